// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../../protocol/crypto/bytes.js';
import { toHex } from '../../protocol/crypto/bytes.js';
import { decodeHeader, encodeHeader, type Header } from '../../protocol/ledger/header.js';
import { splitPages } from '../../protocol/ledger/page.js';
import type { SignedParameters } from '../../protocol/ledger/parameters.js';
import { LEDGER_KINDS, PROVIDED_KINDS, type LedgerKind, type ProvidedKind } from '../../protocol/ledger/row.js';
import { decodeSignedSeal, encodeSignedSeal, type SignedSeal } from '../../protocol/ledger/seal.js';
import { decodeSignedHeader, encodeSignedHeader, type SignedHeader } from '../../protocol/ledger/signed-header.js';
import { addSuccessors } from '../../protocol/schedule/versions.js';
import { decodeSignedSuccessor, encodeSignedSuccessor, type SignedSuccessor } from '../../protocol/ledger/successor.js';
import { type IntervalLength, nextStart, previousStart } from '../../protocol/schedule/intervals.js';
import { ClientError } from '../runtime/errors.js';
import { LedgerError, type LedgerClient, type TransientData } from './index.js';
import type { Log } from '../runtime/log.js';
import { untilReachable } from '../runtime/retry.js';

/** Pages submitted at once: enough to fill blocks, few enough that none waits for its endorsement for long. */
const PAGES_IN_FLIGHT = 8;

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** A header whose pages are all committed. */
export interface CommittedLedger {
  readonly header: Header;
  /** All rows, page after page. */
  readonly rows: Uint8Array;
}

/** A ledger of the service provider's whose pages are all committed. */
export type CommittedProvided = CommittedLedger & SignedHeader;

/** A ledger of the service provider's to be written. */
export interface ProvidedWrite {
  readonly signed: SignedHeader;
  /** The interval's rows, in order. */
  readonly rows: Uint8Array;
  /** Transient data of a page besides its rows. */
  readonly transientOf?: (page: number) => TransientData;
}

/** Codes of attempts that ended only because the time was up. */
const UNSETTLED: ReadonlySet<string> = new Set(['UNAVAILABLE', 'CONFLICT_PERSISTS']);

/**
 * The three ledgers of a region, by interval: what the control center and the service provider read and write. All
 * methods throw ClientError UNREACHABLE when the ledger is unreachable or the outcome is unknown, so that the caller
 * retries, and LedgerError with the chaincode's code when it refuses.
 */
export class RegionLedger {
  readonly #client: LedgerClient;
  readonly #region: string;

  constructor(client: LedgerClient, region: string) {
    this.#client = client;
    this.#region = region;
  }

  /**
   * Waits until each of the three chaincodes has answered through the own peer, which then knows a peer that runs it.
   *
   * @throws LedgerError when the ledger refuses this client
   */
  async untilAnswering(log: Log): Promise<void> {
    // One after the other, so that an unreachable ledger is logged once and not for each channel.
    for (const kind of LEDGER_KINDS) {
      await untilReachable(log, 'ledger', () => this.#query(kind, 'GetLatestSeal'));
    }
  }

  /** Submits a document of CC's, canonical JSON. */
  async putDocument(
    transaction: 'PutParameters' | 'PutRegistryRoot' | 'PutDirectory' | 'PutConsumers',
    json: Uint8Array,
  ): Promise<void> {
    await this.#submit('consumption', transaction, [text(json)]);
  }

  /**
   * Writes the consumption ledger of an interval.
   *
   * @param rows the interval's rows, in order
   * @param transientOf transient data of a page besides its rows
   */
  async putConsumption(header: Header, rows: Uint8Array, transientOf: (page: number) => TransientData): Promise<void> {
    await this.#submit('consumption', 'PutHeader', [text(encodeHeader(header))]);
    await this.#putPages(header, rows, transientOf);
  }

  /**
   * Writes a ledger of the service provider's; replaces another header of its own, as a fault or an earlier state may
   * have left it.
   *
   * @throws LedgerError `ALREADY_CHOSEN`, `ALREADY_SEALED` when the control center has chosen another header,
   *   `TOO_MANY_REPLACEMENTS`
   */
  async putProvided({ signed, rows, transientOf = () => ({}) }: ProvidedWrite): Promise<void> {
    await this.#submit(signed.header.kind, 'PutHeader', [text(encodeSignedHeader(signed))]);
    await this.#putPages(signed.header, rows, transientOf);
  }

  async #putPages(header: Header, rows: Uint8Array, transientOf: (page: number) => TransientData): Promise<void> {
    const { kind, ledgerId } = header;
    const pages = splitPages(rows);
    let next = 0;
    const putPages = async (): Promise<void> => {
      for (let page = next++; page < pages.length; page = next++) {
        const args = [this.#region, String(ledgerId.startSeconds), String(page)];
        await this.#submit(kind, 'PutPage', args, { ...transientOf(page), rows: pages[page]! });
      }
    };
    await Promise.all(Array.from({ length: PAGES_IN_FLIGHT }, putPages));
  }

  /** Fixes a header of the service provider's, by its digest. */
  async putChoice(kind: ProvidedKind, startSeconds: number, headerDigest: Uint8Array): Promise<void> {
    await this.#submit(kind, 'PutChoice', [this.#region, String(startSeconds), toHex(headerDigest)]);
  }

  /** Lets the service provider replace its header again. */
  async reopenHeader(kind: ProvidedKind, startSeconds: number): Promise<void> {
    await this.#submit(kind, 'ReopenHeader', [this.#region, String(startSeconds)]);
  }

  /** Names the successor of a service provider on one ledger. */
  async putSuccessor(signed: SignedSuccessor): Promise<void> {
    await this.#submit(signed.successor.kind, 'PutSuccessor', [text(encodeSignedSuccessor(signed))]);
  }

  /** Writes a seal. */
  async putSeal(signed: SignedSeal): Promise<void> {
    await this.#submit(signed.seal.kind, 'PutSeal', [text(encodeSignedSeal(signed))]);
  }

  /**
   * Tells whether exactly this seal is committed.
   *
   * @throws ClientError STATE_CONFLICT when another one is
   */
  async isSealCommitted(signed: SignedSeal): Promise<boolean> {
    const { kind, ledgerId } = signed.seal;
    const committed = await this.seal(kind, ledgerId.startSeconds);
    if (committed === undefined) {
      return false;
    }
    if (equalBytes(encodeSignedSeal(committed), encodeSignedSeal(signed))) {
      return true;
    }
    throw new ClientError('STATE_CONFLICT', `${kind} has another seal for interval ${ledgerId.startSeconds}`);
  }

  /** @throws ProtocolError as `decodeSignedSeal` */
  async seal(kind: LedgerKind, startSeconds: number): Promise<SignedSeal | undefined> {
    const bytes = await this.#query(kind, 'GetSeal', String(startSeconds));
    return bytes && decodeSignedSeal(bytes);
  }

  /** Seal of the newest sealed interval. @throws ProtocolError as `decodeSignedSeal` */
  async latestSeal(kind: LedgerKind): Promise<SignedSeal | undefined> {
    const bytes = await this.#query(kind, 'GetLatestSeal');
    return bytes && decodeSignedSeal(bytes);
  }

  /**
   * Start of the oldest interval that is not sealed on a ledger: of those whose consumption is sealed, else of the next.
   *
   * @returns undefined while no consumption is sealed
   */
  async oldestOpen(kind: ProvidedKind, length: IntervalLength): Promise<number | undefined> {
    const latest = await this.latestSeal('consumption');
    if (latest === undefined) {
      return undefined;
    }
    let start = nextStart(length, latest.seal.ledgerId.startSeconds);
    for (;;) {
      const before = previousStart(length, start);
      if ((await this.seal('consumption', before)) === undefined || (await this.seal(kind, before)) !== undefined) {
        return start;
      }
      start = before;
    }
  }

  /** The newest version of the parameters, canonical JSON. */
  parameters(version: number | 'latest'): Promise<Uint8Array | undefined> {
    return this.#query('consumption', 'GetParameters', String(version));
  }

  /**
   * The versions with the successors of their service providers, as `parameters.json` has them; each is beside the version
   * that it names.
   *
   * @param list versions as on the ledger; successors that it has already are replaced
   * @throws ProtocolError as `decodeSignedSuccessor`
   */
  async withSuccessors(list: readonly SignedParameters[]): Promise<readonly SignedParameters[]> {
    const found: SignedSuccessor[] = [];
    const keys = new Set(list.map(({ parameters }) => toHex(parameters.serviceProvider.signaturePublicKey)));
    for (const kind of PROVIDED_KINDS) {
      for (const key of keys) {
        const bytes = await this.#query(kind, 'GetSuccessor', key);
        if (bytes !== undefined) {
          found.push(decodeSignedSuccessor(bytes));
        }
      }
    }
    return addSuccessors(list, found);
  }

  /** The relay directory of an epoch, canonical JSON. */
  directory(epoch: number): Promise<Uint8Array | undefined> {
    return this.#query('consumption', 'GetDirectory', String(epoch));
  }

  /** The consumer list of an epoch, canonical JSON. */
  consumers(epoch: number): Promise<Uint8Array | undefined> {
    return this.#query('consumption', 'GetConsumers', String(epoch));
  }

  /**
   * The consumption header with all its pages.
   *
   * @returns undefined while the header or a page is missing
   * @throws ProtocolError as `decodeHeader`
   */
  committed(startSeconds: number): Promise<CommittedLedger | undefined> {
    return this.#withPages('consumption', startSeconds, (bytes) => ({ header: decodeHeader(bytes) }));
  }

  /**
   * The service provider's signed header with all its pages.
   *
   * @returns undefined while the header or a page is missing
   * @throws ProtocolError as `decodeSignedHeader`
   */
  provided(kind: ProvidedKind, startSeconds: number): Promise<CommittedProvided | undefined> {
    return this.#withPages(kind, startSeconds, decodeSignedHeader);
  }

  async #withPages<T extends { readonly header: Header }>(
    kind: LedgerKind,
    startSeconds: number,
    decode: (bytes: Uint8Array) => T,
  ): Promise<(T & { readonly rows: Uint8Array }) | undefined> {
    const bytes = await this.#query(kind, 'GetHeader', String(startSeconds));
    if (bytes === undefined) {
      return undefined;
    }
    const content = decode(bytes);
    const pages: Uint8Array[] = [];
    for (let page = 0; page < content.header.pages.length; page++) {
      const rows = await this.#query(kind, 'GetPageRows', String(startSeconds), String(page));
      if (rows === undefined) {
        return undefined;
      }
      pages.push(rows);
    }
    // A header can be replaced, so the one read before the pages may not be theirs.
    const again = await this.#query(kind, 'GetHeader', String(startSeconds));
    if (again === undefined || !equalBytes(again, bytes)) {
      return this.#withPages(kind, startSeconds, decode);
    }
    return { ...content, rows: Buffer.concat(pages) };
  }

  async #submit(kind: LedgerKind, transaction: string, args: string[], transient?: TransientData): Promise<void> {
    try {
      await this.#client.submit(kind, transaction, args, transient);
    } catch (error) {
      throw unsettled(error);
    }
  }

  async #query(kind: LedgerKind, transaction: string, ...args: string[]): Promise<Uint8Array | undefined> {
    try {
      return await this.#client.evaluate(kind, transaction, [this.#region, ...args]);
    } catch (error) {
      if (error instanceof LedgerError && error.code === 'NOT_FOUND') {
        return undefined;
      }
      throw unsettled(error);
    }
  }
}

function unsettled(error: unknown): unknown {
  if (!(error instanceof LedgerError) || !UNSETTLED.has(error.code)) {
    return error;
  }
  return new ClientError('UNREACHABLE', `ledger: ${error.message}`, { cause: error });
}
