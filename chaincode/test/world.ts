// SPDX-License-Identifier: Apache-2.0
import './quiet.js';
import assert from 'node:assert/strict';
import { encodeConsumerList, type SignedConsumerList } from '../../protocol/ledger/consumer-list.js';
import { encodeHeader, type Header } from '../../protocol/ledger/header.js';
import type { LedgerId } from '../../protocol/ledger/ledger-id.js';
import type { SignedParameters } from '../../protocol/ledger/parameters.js';
import { encodeSignedParameters } from '../../protocol/ledger/parameters-json.js';
import { encodeRegistryRoot, type SignedRegistryRoot } from '../../protocol/ledger/registry-root.js';
import type { LedgerKind, ProvidedKind } from '../../protocol/ledger/row.js';
import { encodeSignedSeal, type SignedSeal } from '../../protocol/ledger/seal.js';
import { encodeSignedHeader, type SignedHeader, signedHeaderDigest } from '../../protocol/ledger/signed-header.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { toHex } from '../../protocol/crypto/bytes.js';
import { encodeSignedDirectory, type SignedDirectory } from '../../protocol/onion/directory-format.js';
import * as billing from '../billing/index.js';
import type { RefusalCode } from '../common/refusal.js';
import * as consumption from '../consumption/index.js';
import * as pricing from '../pricing/index.js';
import { CONTROL_CENTER_MSP, SERVICE_PROVIDER_MSP, FakeLedger } from './fabric-stub.js';
import type { Simulation } from './simulation-stub.js';

/** The packages by the names of their channels. */
export const PACKAGES = { consumption, pricing, billing } as const;

/** Fields of the transient map. */
export type Transient = Readonly<Record<string, Uint8Array>>;

/** The parts of a ledger that go to its channel. */
export interface LedgerParts {
  readonly header: Header;
  readonly pages: readonly Uint8Array[];
  readonly seal: SignedSeal;
}

/** A page of an interval's ledger. */
export interface PageParts {
  readonly ledgerId: LedgerId;
  readonly page: number;
  readonly rows: Uint8Array;
  readonly witnesses?: Uint8Array | undefined;
}

/** The parts of an interval. */
export interface IntervalParts {
  readonly ledgerId: LedgerId;
  readonly witnesses: readonly Uint8Array[];
  readonly consumption: LedgerParts;
  readonly pricing: LedgerParts & SignedHeader;
  readonly billing: LedgerParts & SignedHeader;
}

/** Who writes headers and pages of a ledger. */
export const WRITER: Record<LedgerKind, string> = {
  consumption: CONTROL_CENTER_MSP,
  pricing: SERVICE_PROVIDER_MSP,
  billing: SERVICE_PROVIDER_MSP,
};

/** The three contracts on their channels, and one method per transaction that commits what is endorsed. */
export class World {
  readonly ledger = new FakeLedger();

  readonly #pricePseudonymKey: Uint8Array;

  constructor(pricePseudonymKey: Uint8Array) {
    this.#pricePseudonymKey = pricePseudonymKey;

    for (const [channel, chaincode] of Object.entries(PACKAGES)) {
      this.ledger.deploy(channel, chaincode);
    }
  }

  put(
    channel: string,
    transaction: string,
    args: readonly string[],
    { mspId, transient = {} }: { readonly mspId: string; readonly transient?: Transient | undefined },
  ): Promise<Simulation> {
    return this.ledger.submit(channel, { mspId, transaction, args, transient });
  }

  putParameters(signed: SignedParameters): Promise<Simulation> {
    return this.put('consumption', 'PutParameters', [text(encodeSignedParameters(signed))], {
      mspId: CONTROL_CENTER_MSP,
    });
  }

  putRegistryRoot(signed: SignedRegistryRoot): Promise<Simulation> {
    return this.put('consumption', 'PutRegistryRoot', [text(encodeRegistryRoot(signed))], {
      mspId: CONTROL_CENTER_MSP,
    });
  }

  putDirectory(signed: SignedDirectory): Promise<Simulation> {
    return this.put('consumption', 'PutDirectory', [text(encodeSignedDirectory(signed))], {
      mspId: CONTROL_CENTER_MSP,
    });
  }

  putConsumers(signed: SignedConsumerList): Promise<Simulation> {
    return this.put('consumption', 'PutConsumers', [text(encodeConsumerList(signed))], { mspId: CONTROL_CENTER_MSP });
  }

  /** The control center's header. */
  putHeader(header: Header): Promise<Simulation> {
    return this.put('consumption', 'PutHeader', [text(encodeHeader(header))], { mspId: CONTROL_CENTER_MSP });
  }

  /** The service provider's header. @param channel the ledger that it is sent to, its own when not said */
  putSigned({ header, headerSignature }: SignedHeader, channel: LedgerKind = header.kind): Promise<Simulation> {
    return this.put(channel, 'PutHeader', [text(encodeSignedHeader({ header, headerSignature }))], {
      mspId: SERVICE_PROVIDER_MSP,
    });
  }

  /** The control center's choice of a header. */
  putChoice(signed: SignedHeader): Promise<Simulation> {
    const { kind, ledgerId } = signed.header;
    const digest = toHex(signedHeaderDigest(sodiumCrypto, signed));
    return this.put(kind, 'PutChoice', [ledgerId.region, String(ledgerId.startSeconds), digest], {
      mspId: CONTROL_CENTER_MSP,
    });
  }

  /** Lets the service provider go on replacing its header. */
  reopen(kind: ProvidedKind, { region, startSeconds }: LedgerId): Promise<Simulation> {
    return this.put(kind, 'ReopenHeader', [region, String(startSeconds)], { mspId: CONTROL_CENTER_MSP });
  }

  putPage(kind: LedgerKind, { ledgerId, page, rows, witnesses = new Uint8Array() }: PageParts): Promise<Simulation> {
    const transient = this.transient(kind, rows, witnesses);
    return this.put(kind, 'PutPage', pageArgs(ledgerId, page), { mspId: WRITER[kind], transient });
  }

  /** What a page of this kind brings in the transient map. */
  transient(kind: LedgerKind, rows: Uint8Array, witnesses: Uint8Array): Transient {
    if (kind === 'consumption') {
      return { rows, witnesses };
    }
    return kind === 'pricing' ? { rows, pricePseudonymKey: this.#pricePseudonymKey } : { rows };
  }

  putSeal(signed: SignedSeal, channel: LedgerKind = signed.seal.kind): Promise<Simulation> {
    return this.put(channel, 'PutSeal', [text(encodeSignedSeal(signed))], { mspId: CONTROL_CENTER_MSP });
  }

  /** Evaluates a query as anybody. */
  query(channel: string, transaction: string, ...args: readonly string[]): Promise<Simulation> {
    return this.ledger.simulate(channel, { mspId: 'ConsumersMSP', transaction, args });
  }

  /** Header and pages of one ledger, all accepted. */
  async fill(kind: LedgerKind, interval: IntervalParts): Promise<void> {
    const { header } = interval[kind];
    accepted(await (kind === 'consumption' ? this.putHeader(header) : this.putSigned(interval[kind])));
    for (const [page, rows] of interval[kind].pages.entries()) {
      accepted(
        await this.putPage(kind, { ledgerId: interval.ledgerId, page, rows, witnesses: interval.witnesses[page] }),
      );
    }
  }

  /** One ledger up to its seal. */
  async seal(kind: LedgerKind, interval: IntervalParts): Promise<void> {
    await this.fill(kind, interval);
    if (kind !== 'consumption') {
      accepted(await this.putChoice(interval[kind]));
    }
    accepted(await this.putSeal(interval[kind].seal));
  }

  /** All three ledgers. */
  async complete(interval: IntervalParts): Promise<void> {
    for (const kind of ['consumption', 'pricing', 'billing'] as const) {
      await this.seal(kind, interval);
    }
  }
}

/** Arguments that name a page. */
export function pageArgs(ledgerId: LedgerId, page: number): string[] {
  return [ledgerId.region, String(ledgerId.startSeconds), String(page)];
}

/** ASCII bytes as text. */
export function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

/** Asserts success with at least one write and exactly one event. */
export function accepted(simulation: Simulation): void {
  assert.equal(simulation.message, '');
  assert.ok(simulation.writes.size > 0, 'something is written');
  assert.equal(simulation.events.length, 1);
}

/** Asserts that a repeated transaction succeeds and leaves nothing behind. */
export function repeated(simulation: Simulation): void {
  assert.equal(simulation.message, '');
  assert.equal(simulation.status, 200);
  assert.equal(simulation.writes.size, 0);
  assert.equal(simulation.events.length, 0);
}

/** Asserts a refusal whose text starts with the code, and that nothing was written before it. */
export function refused(simulation: Simulation, code: RefusalCode): void {
  const found = simulation.message || 'accepted';
  assert.equal(simulation.message.split(': ')[0], code, `expected ${code}, found: ${found}`);
  assert.equal(simulation.status, 500);
  assert.match(simulation.message, /^[A-Z_]+: [\x20-\x7e]+$/);
  assert.equal(simulation.writes.size, 0);
  assert.equal(simulation.events.length, 0);
}
