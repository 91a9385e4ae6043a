// SPDX-License-Identifier: Apache-2.0
import { concatBytes } from '../../protocol/crypto/bytes.js';
import {
  decodeSealsFile,
  encodeParametersFile,
  encodeSealsFile,
  INDEX_FILE,
  ROWS_FILE,
  SEALS_FILE,
  type SealsFile,
} from '../../protocol/ledger/bulletin.js';
import { decodeHeader } from '../../protocol/ledger/header.js';
import { decodeSignedHeader } from '../../protocol/ledger/signed-header.js';
import { encodeIndex } from '../../protocol/ledger/index-file.js';
import type { SignedParameters } from '../../protocol/ledger/parameters.js';
import { decodeSignedParameters } from '../../protocol/ledger/parameters-json.js';
import { LEDGER_KINDS, type LedgerKind } from '../../protocol/ledger/row.js';
import { decodeSignedSeal } from '../../protocol/ledger/seal.js';
import { addSuccessors, parametersFor } from '../../protocol/schedule/versions.js';
import { decodeSignedSuccessor, type SignedSuccessor } from '../../protocol/ledger/successor.js';
import { DirectoryBulletin } from './reader.js';
import type { BulletinWriter } from './writer.js';
import { ClientError } from '../runtime/errors.js';
import type { LedgerClient, StateWrite } from '../ledger/index.js';

/** Counts of an export. */
export interface Exported {
  readonly blocks: number;
  readonly parameterVersions: number;
  readonly directories: number;
  /** Sealed intervals, by ledger. */
  readonly intervals: Readonly<Record<LedgerKind, number>>;
}

/** TxValidationCode of a transaction that changed the state. */
const VALID = 0;

/**
 * Rebuilds a region's bulletin from the blocks of the three channels, byte for byte as the control center publishes it.
 * It checks nothing, which `gridveil verify` does, and holds one interval in memory at a time.
 *
 * @throws LedgerError; ClientError BULLETIN_CONFLICT when the directory holds other bytes
 */
export async function exportBulletin(client: LedgerClient, region: string, writer: BulletinWriter): Promise<Exported> {
  const exporter = new Exporter(region, writer);
  let blocks = 0;
  for (const kind of LEDGER_KINDS) {
    const height = await client.height(kind);
    for await (const block of client.blocks(kind, 0n, height - 1n)) {
      blocks++;
      for (const { validationCode, endorsed } of block.transactions) {
        if (validationCode !== VALID || endorsed === undefined) {
          continue;
        }
        for (const write of endorsed.writes) {
          if (write.namespace === kind) {
            await exporter.apply(kind, write);
          }
        }
      }
    }
    await exporter.finishParameters();
  }
  return { blocks, ...exporter.counts };
}

class Exporter {
  readonly #versions: SignedParameters[] = [];
  readonly #successors: SignedSuccessor[] = [];
  /** Headers and pages of intervals that are not sealed yet, by start. */
  readonly #headers = new Map<number, Uint8Array>();
  readonly #pages = new Map<number, Uint8Array[]>();
  readonly #intervals = { consumption: 0, pricing: 0, billing: 0 };
  #directories = 0;

  readonly #region: string;
  readonly #writer: BulletinWriter;

  constructor(region: string, writer: BulletinWriter) {
    this.#region = region;
    this.#writer = writer;
  }

  get counts(): Omit<Exported, 'blocks'> {
    return {
      parameterVersions: this.#versions.length,
      directories: this.#directories,
      intervals: this.#intervals,
    };
  }

  /** Applies one write to the world state, in the order of the blocks. */
  async apply(kind: LedgerKind, { key, value }: StateWrite): Promise<void> {
    const [what, region, number, page] = key.split('/');
    if (region !== this.#region || value === undefined) {
      return;
    }
    if (what === 'successor') {
      this.#successors.push(decodeSignedSuccessor(value));
      return;
    }
    if (!/^[0-9]+$/.test(number ?? '')) {
      return;
    }
    const at = Number(number);
    switch (what) {
      case 'parameters':
        this.#versions[at - 1] = decodeSignedParameters(value);
        break;
      case 'directory':
        this.#directories++;
        await this.#writer.writeDirectory(region, at, value);
        break;
      case 'consumers':
        await this.#writer.writeConsumers(region, at, value);
        break;
      case 'header':
        this.#headers.set(at, value);
        // A header that replaces another one deletes its pages.
        this.#pages.delete(at);
        break;
      case 'page': {
        const pages = this.#pages.get(at) ?? [];
        pages[Number(page)] = value;
        this.#pages.set(at, pages);
        break;
      }
      case 'seal':
        await this.#interval(kind, at, value);
        break;
      default:
      // Registry roots, choices and counts are not part of a bulletin.
    }
  }

  /** Writes the versions; after pricing and billing again, with the successors that were found there. */
  async finishParameters(): Promise<void> {
    if (this.#versions.length > 0) {
      await this.#writer.writeParameters(encodeParametersFile(addSuccessors(this.#versions, this.#successors)));
    }
  }

  /** Writes a sealed ledger of an interval; its header and pages were committed before the seal. */
  async #interval(kind: LedgerKind, startSeconds: number, seal: Uint8Array): Promise<void> {
    const headerBytes = this.#headers.get(startSeconds)!;
    const header = kind === 'consumption' ? { header: decodeHeader(headerBytes) } : decodeSignedHeader(headerBytes);
    const rows = concatBytes(...(this.#pages.get(startSeconds) ?? []));
    this.#headers.delete(startSeconds);
    this.#pages.delete(startSeconds);
    const file = (name: Parameters<BulletinWriter['writeFile']>[2], bytes: Uint8Array): Promise<void> =>
      this.#writer.writeFile(this.#region, startSeconds, name, bytes);
    await file(ROWS_FILE[kind], rows);
    if (kind === 'consumption') {
      const { categoriesMilliWattHours } = parametersFor(this.#versions, startSeconds);
      await file(INDEX_FILE, encodeIndex(rows, categoriesMilliWattHours));
    }
    const sealed = { ...header, ...decodeSignedSeal(seal) };
    await file(
      SEALS_FILE,
      encodeSealsFile({ ...(await this.#before(kind, startSeconds)), [kind]: sealed } as SealsFile),
    );
    this.#intervals[kind]++;
  }

  /** Reads the interval's seals of the channels before. */
  async #before(kind: LedgerKind, startSeconds: number): Promise<Partial<SealsFile>> {
    if (kind === 'consumption') {
      return {};
    }
    const bytes = await new DirectoryBulletin(this.#writer.root).readFile(this.#region, startSeconds, SEALS_FILE);
    if (bytes === undefined) {
      throw new ClientError('BAD_ANSWER', `${kind} of interval ${startSeconds} is sealed, but not its consumption`);
    }
    return decodeSealsFile(bytes);
  }
}
