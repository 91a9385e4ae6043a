// SPDX-License-Identifier: Apache-2.0
import { ProtocolError, type ProtocolErrorCode } from '../errors.js';
import { INDEX_FILE, ROWS_FILE, type SealsFile, SEALS_FILE } from '../ledger/bulletin.js';
import { LEDGER_KINDS } from '../ledger/row.js';

/** Bytes of the files in an interval's folder, by name. */
export type IntervalFiles = ReadonlyMap<string, Uint8Array>;

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

/** Faults of one interval that are kept; a broken file need not fill the memory. */
const MAXIMUM_FAULTS = 100;

/** Collects refusals instead of stopping at the first. */
export class FaultCollector {
  readonly faults: Fault[] = [];

  /** Runs a check of a file; a refusal becomes a fault and the result undefined. */
  attempt<T>(file: string, check: () => T): T | undefined {
    try {
      return check();
    } catch (error) {
      if (!(error instanceof ProtocolError)) {
        throw error;
      }
      if (this.faults.length < MAXIMUM_FAULTS) {
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

/** The bytes of a file that must be there. @throws ProtocolError `MALFORMED` */
export function requireFile(files: IntervalFiles, name: string): Uint8Array {
  const bytes = files.get(name);
  if (bytes === undefined) {
    throw new ProtocolError('MALFORMED', 'file is missing');
  }
  return bytes;
}

/**
 * Files that do not belong to an interval, or to a ledger that is not sealed, are faults, because no seal binds them.
 */
export function checkFileNames(files: IntervalFiles, seals: SealsFile, collector: FaultCollector): void {
  const sealed = [SEALS_FILE, INDEX_FILE, ...LEDGER_KINDS.filter((kind) => seals[kind]).map((kind) => ROWS_FILE[kind])];
  for (const name of files.keys()) {
    collector.passes(name, () => {
      if (!sealed.includes(name)) {
        throw new ProtocolError('MALFORMED', 'file does not belong to what is sealed');
      }
    });
  }
}
