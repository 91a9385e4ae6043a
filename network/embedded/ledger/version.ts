// SPDX-License-Identifier: Apache-2.0

/** Where a value was written: the transaction's place on the channel. Multi-version concurrency control compares these. */
export interface Version {
  readonly block: number;
  readonly transaction: number;
}

/** Whether two reads saw the same write; undefined is "no such key". */
export function sameVersion(a: Version | undefined, b: Version | undefined): boolean {
  return a?.block === b?.block && a?.transaction === b?.transaction;
}
