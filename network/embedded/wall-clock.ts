// SPDX-License-Identifier: Apache-2.0

/**
 * The machine's clock, in milliseconds since 1970. A ledger does not follow simulated time: it checks
 * that certificates and requests are not out of date. No contract sees it.
 */
export function wallClockMilliseconds(): number {
  // eslint-disable-next-line no-restricted-properties -- the one place in network/ that reads it
  return Date.now();
}
