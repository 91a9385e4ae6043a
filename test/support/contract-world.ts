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
  putPage(
    kind: LedgerKind,
    page: Readonly<{ ledgerId: LedgerId; page: number; rows: Uint8Array; witnesses: Uint8Array }>,
  ): Promise<Simulation>;
  complete(interval: FakeInterval): Promise<void>;
  fill(kind: LedgerKind, interval: FakeInterval): Promise<void>;
}
interface Metadata {
  readonly contracts: Readonly<Record<string, { readonly transactions: readonly { readonly name: string }[] }>>;
}

interface Contracts {
  readonly PACKAGES: Readonly<Record<LedgerKind, unknown>>;
  readonly World: new (pricePseudonymKey: Uint8Array) => ContractWorld;
  readonly metadataOf: (chaincode: unknown) => Metadata;
}

/** Loaded when it is first used: Node 20.19 cannot load CommonJS while it loads the modules that this one belongs to. */
function contracts(): Contracts {
  const require = createRequire(import.meta.url);
  const world = require('../../chaincode/test/world.js') as Omit<Contracts, 'metadataOf'>;
  return { ...world, ...(require('../../chaincode/test/fabric-stub.js') as Pick<Contracts, 'metadataOf'>) };
}

/** The three contracts on a stub of Fabric, with a region's parameters, registry root and directory. */
export async function beginWorld(kit: FakeRegion): Promise<ContractWorld> {
  const { World } = contracts();
  const world = new World(kit.pricePseudonymKey);
  await world.putParameters(kit.signedParameters);
  await world.putRegistryRoot(kit.registryRoot(0));
  await world.putDirectory(kit.directory(0));
  return world;
}

/** Names of a contract's transactions, queries included. */
export function transactionsOf(kind: LedgerKind): string[] {
  const { metadataOf, PACKAGES } = contracts();
  return Object.values(metadataOf(PACKAGES[kind]).contracts).flatMap((contract) =>
    contract.transactions.map(({ name }) => name),
  );
}
