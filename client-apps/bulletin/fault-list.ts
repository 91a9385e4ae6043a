// SPDX-License-Identifier: Apache-2.0
import { printable } from './layout.js';

/** A fault in a bulletin. */
export interface AuditFault {
  /** Path relative to the bulletin's root, printable. */
  readonly file: string;
  readonly code: string;
  readonly message: string;
}

/** Faults that are kept, the others are counted, so memory is bounded however many files a directory holds. */
export const MAXIMUM_KEPT_FAULTS = 10_000;

/** Faults in the order found, with their exact number. */
export class FaultList {
  readonly kept: AuditFault[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(file: string, code: string, message: string): void {
    this.#count++;
    if (this.kept.length < MAXIMUM_KEPT_FAULTS) {
      this.kept.push({ file, code, message: printable(message) });
    }
  }

  /** Counts faults that are not named. */
  addUnnamed(count: number): void {
    this.#count += count;
  }
}
