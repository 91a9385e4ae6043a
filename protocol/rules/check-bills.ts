// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../crypto/bytes.js';
import type { Crypto } from '../crypto/crypto.js';
import { ProtocolError } from '../errors.js';
import type { Header } from '../ledger/header.js';
import { type HistogramEntry, mergeHistograms, sameHistogram, splitRows } from '../ledger/page.js';
import { ROW_TYPE, rowPseudonym, rowValue } from '../ledger/row.js';
import { billOf } from '../tariff/bill.js';
import { atPlace, checkRowFrame, type IntervalContext } from './interval-context.js';
import { checkServiceProviderKey, checkServiceProviderSignature } from './service-provider-signature.js';

/**
 * The header of the bills mirrors that of consumption: the same pages with the same borders and counts, and as values
 * the bills of the categories.
 *
 * @param header that `checkHeader` accepted
 * @param consumption the sealed consumption header of the interval
 * @param priceNanoPerKilowattHour the sealed price
 * @throws ProtocolError `PAGE_MISMATCH`, `WRONG_BILL`, `PRICE_GRANULARITY`
 */
export function checkBillHeader(header: Header, consumption: Header, priceNanoPerKilowattHour: bigint): void {
  if (header.pages.length !== consumption.pages.length) {
    throw new ProtocolError('PAGE_MISMATCH', 'bills do not have as many pages as consumption');
  }
  header.pages.forEach((page, p) => {
    const mirrored = consumption.pages[p]!;
    if (
      page.count !== mirrored.count ||
      !equalBytes(page.first, mirrored.first) ||
      !equalBytes(page.last, mirrored.last)
    ) {
      throw new ProtocolError('PAGE_MISMATCH', `page ${p} of the bills does not mirror consumption`);
    }
    if (!sameHistogram(page.histogram, billHistogram(mirrored.histogram, priceNanoPerKilowattHour))) {
      throw new ProtocolError('WRONG_BILL', `page ${p} of the bills does not add up to price times consumption`);
    }
  });
}

/** Two categories have one bill when the price is zero, so equal bills are merged. */
function billHistogram(histogram: readonly HistogramEntry[], price: bigint): HistogramEntry[] {
  return mergeHistograms([histogram.map(({ value, count }) => ({ value: billOf(price, value), count }))]);
}

/** What a page of bills is checked against. */
export interface BillBasis {
  /** The consumption page of the same number. */
  readonly consumption: Uint8Array;
  /** p, nano-currency per kWh. */
  readonly price: bigint;
  /** `skip` leaves the Ed25519 verification to a full check. */
  readonly signatures: 'verify' | 'skip';
}

/**
 * A page of bills against its page of consumption: row by row the same A, the same ledger and T, B = p · c, SP's key
 * and signature.
 *
 * @param bills the page of bills
 * @throws ProtocolError `BAD_LENGTH`, `PAGE_MISMATCH`, `WRONG_TYPE`, `WRONG_LEDGER`, `WRONG_TIME`, `WRONG_PSEUDONYM`,
 *   `WRONG_BILL`, `PRICE_GRANULARITY`, `WRONG_KEY`, `BAD_SIGNATURE`
 */
export function checkBillPage(
  crypto: Crypto,
  bills: Uint8Array,
  context: IntervalContext,
  { consumption, price, signatures }: BillBasis,
): void {
  const billed = splitRows(consumption);
  const rows = splitRows(bills);
  if (rows.length !== billed.length) {
    throw new ProtocolError('PAGE_MISMATCH', 'expected one bill for each row');
  }
  rows.forEach((row, i) => {
    atPlace(`row ${i}`, () => {
      const consumed = billed[i]!;
      checkRowFrame(row, ROW_TYPE.bill, context);
      if (!equalBytes(rowPseudonym(row), rowPseudonym(consumed))) {
        throw new ProtocolError('WRONG_PSEUDONYM', 'bill is not for the consumption row of this place');
      }
      if (rowValue(row) !== billOf(price, rowValue(consumed))) {
        throw new ProtocolError('WRONG_BILL', 'bill is not price times consumption');
      }
      if (signatures === 'verify') {
        checkServiceProviderSignature(crypto, row, context);
      } else {
        checkServiceProviderKey(row, context);
      }
    });
  });
}
