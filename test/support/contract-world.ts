// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';
import type { Header } from '../../protocol/ledger/header.js';
import type { LedgerId } from '../../protocol/ledger/ledger-id.js';
import type { LedgerKind } from '../../protocol/ledger/row.js';
import type { FakeInterval } from './interval.js';
import type { FakeRegion } from './region.js';

// The contracts are CommonJS and compiled by themselves; these are the parts of their test ledger that are used here.
interface Simulation {
  readonly status: number;
  readonly message: string;
}
export interface ContractWorld {
  readonly ledger: { simulate(channel: string, proposal: object): Promise<Simulation> };
  putParameters(signed: FakeRegion['signedParameters']): Promise<Simulation>;
  putRegistryRoot(signed: ReturnType<FakeRegion['registryRoot']>): Promise<Simulation>;
  putDirectory(signed: ReturnType<FakeRegion['directory']>): Promise<Simulation>;
  putHeader(header: Header): Promise<Simulation>;
  putPage(...page: readonly [LedgerKind, LedgerId, number, Uint8Array, Uint8Array]): Promise<Simulation>;
  complete(interval: FakeInterval): Promise<void>;
  fill(kind: LedgerKind, interval: FakeInterval): Promise<void>;
}
interface Metadata {
  readonly contracts: Readonly<Record<string, { readonly transactions: readonly { readonly name: string }[] }>>;
}

const require = createRequire(import.meta.url);
const { PACKAGES, World } = require('../../chaincode/test/world.js') as {
  PACKAGES: Readonly<Record<LedgerKind, unknown>>;
  World: new (pricePseudonymKey: Uint8Array) => ContractWorld;
};
const { metadataOf } = require('../../chaincode/test/fabric-stub.js') as {
  metadataOf: (chaincode: unknown) => Metadata;
};

/** The three contracts on a stub of Fabric, with a region's parameters, registry root and directory. */
export async function beginWorld(kit: FakeRegion): Promise<ContractWorld> {
  const world = new World(kit.pricePseudonymKey);
  await world.putParameters(kit.signedParameters);
  await world.putRegistryRoot(kit.registryRoot(0));
  await world.putDirectory(kit.directory(0));
  return world;
}

/** Names of a contract's transactions, queries included. */
export function transactionsOf(kind: LedgerKind): string[] {
  const contracts = Object.values(metadataOf(PACKAGES[kind]).contracts);
  return contracts.flatMap((contract) => contract.transactions.map(({ name }) => name));
}
