// SPDX-License-Identifier: Apache-2.0
import { requireLength } from '../crypto/bytes.js';
import { ProtocolError, type ProtocolErrorCode } from '../errors.js';
import { INDEX_FILE, ROWS_FILE, type SealsFile, SEALS_FILE } from '../ledger/bulletin.js';
import { LEDGER_KINDS } from '../ledger/row.js';

/** Bytes of the files in an interval's folder, by name. */
export type IntervalFiles = ReadonlyMap<string, Uint8Array>;

/**
 * Where an audit takes an interval's files from: a map, or something that reads a file only when the audit comes to it.
 */
export interface IntervalFileSource {
  /** Names of the files that are there. */
  keys(): Iterable<string>;
  /**
   * The bytes of a file.
   *
   * @param length that the file must have, where the seals tell it: another one need not be read
   * @returns undefined when there is no such file
   * @throws ProtocolError when it cannot be read
   */
  get(name: string, length?: number): Uint8Array | undefined;
}

/**
 * Depth of an audit. `full` verifies everything; `light` omits the Ed25519 signatures of consumption and
 * bill rows, whose bytes the seals bind anyway; `index` does without the large files: `seals.json`, the index, and the
 * price are enough for a meter's acknowledgement and a household's sum.
 */
export type Depth = 'full' | 'light' | 'index';

/** Something wrong in a file of the bulletin. */
export interface Fault {
  /** Name within the interval's folder. */
  readonly file: string;
  readonly code: ProtocolErrorCode;
  readonly message: string;
}

/** Faults of one interval that are kept, the others are counted; a broken file need not fill the memory. */
export const MAXIMUM_INTERVAL_FAULTS = 100;

/** Collects refusals instead of stopping at the first. */
export class FaultCollector {
  readonly faults: Fault[] = [];
  #count = 0;

  /** All faults, those that are not kept too. */
  get count(): number {
    return this.#count;
  }

  /** Runs a check of a file; a refusal becomes a fault and the result undefined. */
  attempt<T>(file: string, check: () => T): T | undefined {
    try {
      return check();
    } catch (error) {
      if (!(error instanceof ProtocolError)) {
        throw error;
      }
      this.#count++;
      if (this.faults.length < MAXIMUM_INTERVAL_FAULTS) {
        this.faults.push({ file, code: error.code, message: error.message });
      }
      return undefined;
    }
  }

  /** The same for a check without result: whether it passed. */
  passes(file: string, check: () => void): boolean {
    return this.attempt(file, () => (check(), true)) === true;
  }
}

/**
 * The bytes of a file that must be there.
 *
 * @param length that it must have
 * @throws ProtocolError `MALFORMED`, `BAD_LENGTH`
 */
export function requireFile(files: IntervalFileSource, name: string, length?: number): Uint8Array {
  const bytes = files.get(name, length);
  if (bytes === undefined) {
    throw new ProtocolError('MALFORMED', 'file is missing');
  }
  if (length !== undefined) {
    requireLength(bytes, length, 'file');
  }
  return bytes;
}

/**
 * Files that do not belong to an interval, or to a ledger that is not sealed, are faults, because no seal binds them.
 */
export function checkFileNames(files: IntervalFileSource, seals: SealsFile, collector: FaultCollector): void {
  const sealed = [SEALS_FILE, INDEX_FILE, ...LEDGER_KINDS.filter((kind) => seals[kind]).map((kind) => ROWS_FILE[kind])];
  for (const name of files.keys()) {
    collector.passes(name, () => {
      if (!sealed.includes(name)) {
        throw new ProtocolError('MALFORMED', 'file does not belong to what is sealed');
      }
    });
  }
}
