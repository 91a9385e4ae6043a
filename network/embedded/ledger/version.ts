// SPDX-License-Identifier: Apache-2.0

/** Block and position of the transaction that wrote a value. Multi-version concurrency control compares versions. */
export interface Version {
  readonly block: number;
  readonly transaction: number;
}

/** Whether two reads saw the same write; undefined is "no such key". */
export function sameVersion(a: Version | undefined, b: Version | undefined): boolean {
  return a?.block === b?.block && a?.transaction === b?.transaction;
}
