// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import {
  connectLedger,
  LedgerError,
  type CommittedTransaction,
  type LedgerClient,
  type TransientData,
} from '../../../client-apps/ledger/index.js';
import { encodeConsumerList } from '../../../protocol/ledger/consumer-list.js';
import { encodeHeader, type Header } from '../../../protocol/ledger/header.js';
import type { LedgerId } from '../../../protocol/ledger/ledger-id.js';
import { encodeSignedParameters } from '../../../protocol/ledger/parameters-json.js';
import { encodeRegistryRoot } from '../../../protocol/ledger/registry-root.js';
import { LEDGER_KINDS, type LedgerKind } from '../../../protocol/ledger/row.js';
import { encodeSignedSeal, type SignedSeal } from '../../../protocol/ledger/seal.js';
import { encodeSignedHeader, type SignedHeader, signedHeaderDigest } from '../../../protocol/ledger/signed-header.js';
import { toHex } from '../../../protocol/crypto/bytes.js';
import { encodeSignedDirectory } from '../../../protocol/onion/directory-format.js';
import type { FakeInterval } from '../interval.js';
import { FakeRegion, type RegionOptions } from '../region.js';
import { ROLES, unusedRegion } from './kind.js';
import type { LedgerUnderTest } from './ledger.js';
import { caughtUp } from './raw-gateway.js';

export const {
  controlCenter: CONTROL_CENTER_MSP,
  serviceProvider: SERVICE_PROVIDER_MSP,
  consumers: CONSUMERS_MSP,
} = ROLES;

/** A region with the organisations of the ledger under test. @param name what its name begins with */
export function fakeRegion(name: string, options: RegionOptions = {}): FakeRegion {
  return new FakeRegion({
    ...options,
    roles: ROLES,
    parameters: { ...options.parameters, region: unusedRegion(name) },
  });
}

/** Writer of a ledger's headers and pages. */
export const WRITER: Record<LedgerKind, string> = {
  consumption: CONTROL_CENTER_MSP,
  pricing: SERVICE_PROVIDER_MSP,
  billing: SERVICE_PROVIDER_MSP,
};

/** One client for each organisation. */
export class Clients {
  readonly #clients: ReadonlyMap<string, LedgerClient>;

  /** @param profiles connection profiles that take the place of the ledger's own, by MSP id */
  constructor(ledger: LedgerUnderTest, profiles: Readonly<Record<string, string>> = {}) {
    const open = (mspId: string): LedgerClient =>
      connectLedger(profiles[mspId] ?? ledger.connectionProfile(mspId), ledger.user(mspId), {
        controlCenterMspId: CONTROL_CENTER_MSP,
      });
    this.#clients = new Map(ledger.topology.organizations.map(({ mspId }) => [mspId, open(mspId)]));
  }

  of(mspId: string): LedgerClient {
    return this.#clients.get(mspId)!;
  }

  close(): void {
    for (const client of this.#clients.values()) {
      client.close();
    }
  }
}

/**
 * Declares, in a `describe`, that its tests need one client for each organisation; closes them after the last test.
 *
 * @returns the clients, inside a test or a later hook
 */
export function useClients(ledger: () => LedgerUnderTest): () => Clients {
  let clients: Clients | undefined;
  before(() => {
    clients = new Clients(ledger());
  });
  after(() => clients?.close());
  return () => clients!;
}

/** A page of an interval's ledger. */
interface PageOfLedger {
  readonly ledgerId: LedgerId;
  readonly page: number;
  readonly rows: Uint8Array;
  readonly witnesses?: Uint8Array | undefined;
}

/** A test region on the ledger: the transactions of its control center and its service provider. */
export class RegionOnLedger {
  constructor(
    readonly clients: Clients,
    readonly kit: FakeRegion,
  ) {}

  /** Parameters, registry root, directory, and in price mode `direct` the consumer list of an epoch. */
  async begin(epoch = 0): Promise<void> {
    const { kit } = this;
    await this.submit('consumption', 'PutParameters', [text(encodeSignedParameters(kit.signedParameters))]);
    await this.submit('consumption', 'PutRegistryRoot', [text(encodeRegistryRoot(kit.registryRoot(epoch)))]);
    await this.submit('consumption', 'PutDirectory', [text(encodeSignedDirectory(kit.directory(epoch)))]);
    if (kit.parameters.priceMode === 'ledger') {
      return;
    }
    await this.submit('consumption', 'PutConsumers', [text(encodeConsumerList(kit.consumerList(epoch)))]);
  }

  putHeader(header: Header): Promise<CommittedTransaction> {
    return this.submit('consumption', 'PutHeader', [text(encodeHeader(header))]);
  }

  putSigned({ header, headerSignature }: SignedHeader): Promise<CommittedTransaction> {
    return this.submit(header.kind, 'PutHeader', [text(encodeSignedHeader({ header, headerSignature }))]);
  }

  putChoice(signed: SignedHeader): Promise<CommittedTransaction> {
    const { kind, ledgerId } = signed.header;
    const digest = toHex(signedHeaderDigest(this.kit.crypto, signed));
    const args = [ledgerId.region, String(ledgerId.startSeconds), digest];
    return this.submit(kind, 'PutChoice', args, { mspId: CONTROL_CENTER_MSP });
  }

  putPage(kind: LedgerKind, { ledgerId, page, rows, witnesses }: PageOfLedger): Promise<CommittedTransaction> {
    const transient = this.transient(kind, rows, witnesses);
    return this.submit(kind, 'PutPage', pageArguments(ledgerId, page), { transient });
  }

  putSeal(signed: SignedSeal): Promise<CommittedTransaction> {
    return this.submit(signed.seal.kind, 'PutSeal', [text(encodeSignedSeal(signed))], { mspId: CONTROL_CENTER_MSP });
  }

  /** Transient map of a page of this kind. */
  transient(kind: LedgerKind, rows: Uint8Array, witnesses: Uint8Array = new Uint8Array()): TransientData {
    switch (kind) {
      case 'consumption':
        return { rows, witnesses };
      case 'pricing':
        return { rows, pricePseudonymKey: this.kit.pricePseudonymKey };
      case 'billing':
        return { rows };
    }
  }

  /** Header and pages of one ledger. */
  async fill(kind: LedgerKind, interval: FakeInterval): Promise<void> {
    const { header, pages } = interval[kind];
    await (kind === 'consumption' ? this.putHeader(header) : this.putSigned(interval[kind]));
    await Promise.all(
      pages.map((rows, page) =>
        this.putPage(kind, { ledgerId: interval.ledgerId, page, rows, witnesses: interval.witnesses[page] }),
      ),
    );
  }

  /** One ledger up to its seal. */
  async seal(kind: LedgerKind, interval: FakeInterval): Promise<void> {
    await this.fill(kind, interval);
    if (kind !== 'consumption') {
      await this.putChoice(interval[kind]);
    }
    await this.putSeal(interval[kind].seal);
  }

  /** All three ledgers. */
  async complete(interval: FakeInterval): Promise<void> {
    for (const kind of LEDGER_KINDS) {
      await this.seal(kind, interval);
    }
  }

  /** A query by interval, asked by the consumers' organisation, for something that is committed. */
  query(kind: LedgerKind, transaction: string, ...args: readonly (string | number)[]): Promise<Uint8Array> {
    const client = this.clients.of(CONSUMERS_MSP);
    return caughtUp(() => client.evaluate(kind, transaction, [this.kit.region, ...args.map(String)]));
  }

  submit(
    kind: LedgerKind,
    transaction: string,
    args: readonly string[],
    { transient, mspId = WRITER[kind] }: { readonly transient?: TransientData; readonly mspId?: string } = {},
  ): Promise<CommittedTransaction> {
    return this.clients.of(mspId).submit(kind, transaction, args, transient);
  }
}

export function pageArguments({ region, startSeconds }: LedgerId, page: number): string[] {
  return [region, String(startSeconds), String(page)];
}

export function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

/** Asserts that the ledger refuses, with this code. */
export async function refused(code: string, request: Promise<unknown>): Promise<void> {
  await assert.rejects(request, (error) => {
    assert.ok(error instanceof LedgerError, String(error));
    assert.equal(error.code, code, `${error.code}: ${error.message}`);
    return true;
  });
}
