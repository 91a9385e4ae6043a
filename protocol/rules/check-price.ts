// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../crypto/bytes.js';
import type { Crypto } from '../crypto/crypto.js';
import { ProtocolError } from '../errors.js';
import { pricePseudonym, pricePseudonymCommitment } from '../identity/pseudonym.js';
import type { Header } from '../ledger/header.js';
import { splitRows } from '../ledger/page.js';
import { ROW_TYPE, rowPseudonym, rowValue } from '../ledger/row.js';
import type { Seal } from '../ledger/seal.js';
import { priceOf } from '../tariff/tariff.js';
import { atPlace, checkRowFrame, type IntervalContext } from './interval-context.js';
import { checkServiceProviderKey, checkServiceProviderSignature } from './service-provider-signature.js';

/** What a price row is checked against. */
export interface PriceBasis {
  /** The interval's consumption seal, checked. */
  readonly consumption: Seal;
  /** `skip` leaves the Ed25519 verification to a full check. */
  readonly signatures: 'verify' | 'skip';
}

/**
 * Checks a price row, as anyone can: the price is the tariff's for the sealed total, and SP signed it.
 * Its pseudonym needs {@link checkPricePseudonym}, or in price mode `direct` the consumer's key.
 *
 * @param row 177 bytes
 * @returns p_j, nano-currency per kWh
 * @throws ProtocolError `BAD_LENGTH`, `WRONG_TYPE`, `WRONG_LEDGER`, `WRONG_TIME`, `WRONG_PRICE`, `WRONG_KEY`, `BAD_SIGNATURE`
 */
export function checkPriceRow(
  crypto: Crypto,
  row: Uint8Array,
  context: IntervalContext,
  { consumption, signatures }: PriceBasis,
): bigint {
  checkRowFrame(row, ROW_TYPE.price, context);
  const price = sealedPrice(context, consumption);
  if (rowValue(row) !== price) {
    throw new ProtocolError('WRONG_PRICE', 'price is not the one that the tariff gives');
  }
  if (signatures === 'verify') {
    checkServiceProviderSignature(crypto, row, context);
  } else {
    checkServiceProviderKey(row, context);
  }
  return price;
}

/**
 * Checks a page of direct prices, as the ledger does: SP signed every row, whatever the price. Refusing a wrong price
 * would hide it; once committed, the signed rows are evidence against SP.
 *
 * @param page at most 500 rows
 * @throws ProtocolError `BAD_LENGTH`, `WRONG_TYPE`, `WRONG_LEDGER`, `WRONG_TIME`, `WRONG_KEY`, `BAD_SIGNATURE`
 */
export function checkDirectPricePage(crypto: Crypto, page: Uint8Array, context: IntervalContext): void {
  splitRows(page).forEach((row, i) => {
    atPlace(`row ${i}`, () => {
      checkRowFrame(row, ROW_TYPE.price, context);
      checkServiceProviderSignature(crypto, row, context);
    });
  });
}

/**
 * The header of direct prices carries the tariff's one price and no other.
 *
 * @param consumption the interval's consumption seal, checked
 * @throws ProtocolError `WRONG_PRICE`
 */
export function checkDirectPrices(header: Header, context: IntervalContext, consumption: Seal): void {
  const price = sealedPrice(context, consumption);
  const wrong = header.histogram.reduce((rows, { value, count }) => (value === price ? rows : rows + count), 0);
  if (wrong > 0) {
    throw new ProtocolError('WRONG_PRICE', `${wrong} of ${header.count} rows do not carry the price of the tariff`);
  }
}

/** p_j that the tariff in force gives for a sealed consumption ledger. @throws ProtocolError `TARIFF_INVALID` */
export function sealedPrice(context: IntervalContext, consumption: Seal): bigint {
  return priceOf(context.parameters.tariff, consumption.total, consumption.registeredMeters);
}

/**
 * The price row's pseudonym H(H_1(sk_{SP,CC}), ID_SP ‖ ledgerId); only SP and CC's peers can check it.
 *
 * @param key H_1(sk_{SP,CC}), 32 bytes, which must be the one that the parameters commit to
 * @throws ProtocolError `WRONG_KEY`, `WRONG_PSEUDONYM`
 */
export function checkPricePseudonym(crypto: Crypto, row: Uint8Array, context: IntervalContext, key: Uint8Array): void {
  const { identity, pricePseudonymCommitment: commitment } = context.serviceProviders.pricing;
  if (!equalBytes(pricePseudonymCommitment(crypto, identity, key), commitment)) {
    throw new ProtocolError('WRONG_KEY', 'pseudonym key is not the one of the parameters');
  }
  if (!equalBytes(pricePseudonym(crypto, key, identity, context.ledgerIdBytes), rowPseudonym(row))) {
    throw new ProtocolError('WRONG_PSEUDONYM', 'pseudonym is not the one of this price');
  }
}
