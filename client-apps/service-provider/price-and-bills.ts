// SPDX-License-Identifier: Apache-2.0
import { compareBytes, joinBytes } from '../../protocol/crypto/bytes.js';
import type { Crypto } from '../../protocol/crypto/crypto.js';
import { priceTag } from '../../protocol/identity/price-tag.js';
import { pricePseudonym } from '../../protocol/identity/pseudonym.js';
import { buildHeader } from '../../protocol/ledger/header.js';
import { type SignedHeader, signHeader } from '../../protocol/ledger/signed-header.js';
import { intervalNumber } from '../../protocol/schedule/epochs.js';
import { splitRows } from '../../protocol/ledger/page.js';
import { ROW_TYPE, rowPseudonym, rowValue, signRow, type ProvidedKind } from '../../protocol/ledger/row.js';
import { type Seal, sealDigest } from '../../protocol/ledger/seal.js';
import { billOf } from '../../protocol/tariff/bill.js';
import { sealedPrice } from '../../protocol/rules/check-price.js';
import type { IntervalContext } from '../../protocol/rules/interval-context.js';
import type { ServiceProviderKeys } from './keys.js';

/** A ledger to be written: the same inputs give the same bytes, so it may be made and sent again at any time. */
export interface OwnLedger {
  readonly signed: SignedHeader;
  readonly rows: Uint8Array;
}

/** Inputs from which a ledger is computed. */
interface OwnBasis {
  /** The seal that the ledger rests on, verified: of consumption for prices, of pricing for bills. */
  readonly basis: Seal;
  readonly keys: ServiceProviderKeys;
}

/**
 * The price ledger of an interval: one row with p_j, the tariff's price for the sealed total.
 *
 * @param pseudonymKey H_1(sk_{SP,CC})
 */
export function makePrice(
  crypto: Crypto,
  context: IntervalContext,
  { basis, keys }: OwnBasis,
  pseudonymKey: Uint8Array,
): OwnLedger {
  const row = signRow(
    crypto,
    {
      type: ROW_TYPE.price,
      ledgerId: context.ledgerId,
      pseudonym: pricePseudonym(crypto, pseudonymKey, keys.identity, context.ledgerIdBytes),
      timeSeconds: context.rowTimeSeconds,
      value: sealedPrice(context, basis),
    },
    keys.signing,
  );
  return { signed: signedHeader(crypto, context, 'pricing', { rows: row, basis, keys }), rows: row };
}

/**
 * The price ledger of an interval in price mode `direct` (Table 4): a row with p_j for each consumer of the epoch, under
 * a tag that it and the service provider alone can tell from another's.
 *
 * @param tagKeys of the epoch's consumers, see `priceTagKey`
 */
export function makeDirectPrices(
  crypto: Crypto,
  context: IntervalContext,
  { basis, keys }: OwnBasis,
  tagKeys: readonly Uint8Array[],
): OwnLedger {
  const number = intervalNumber(context.parameters, context.ledgerId.startSeconds);
  const value = sealedPrice(context, basis);
  const prices = tagKeys.map((tagKey) =>
    signRow(
      crypto,
      {
        type: ROW_TYPE.price,
        ledgerId: context.ledgerId,
        pseudonym: priceTag(crypto, tagKey, keys.identity, number),
        timeSeconds: context.rowTimeSeconds,
        value,
      },
      keys.signing,
    ),
  );
  const rows = joinBytes(prices.sort((a, b) => compareBytes(rowPseudonym(a), rowPseudonym(b))));
  return { signed: signedHeader(crypto, context, 'pricing', { rows, basis, keys }), rows };
}

/**
 * The bills of an interval: one for each consumption row, under its pseudonym, B = p · c.
 *
 * @param consumption rows of the sealed consumption, verified, and their price
 */
export function makeBills(
  crypto: Crypto,
  context: IntervalContext,
  { basis, keys }: OwnBasis,
  { rows: consumption, priceNanoPerKilowattHour }: { rows: Uint8Array; priceNanoPerKilowattHour: bigint },
): OwnLedger {
  const bills = splitRows(consumption).map((row) =>
    signRow(
      crypto,
      {
        type: ROW_TYPE.bill,
        ledgerId: context.ledgerId,
        pseudonym: rowPseudonym(row),
        timeSeconds: context.rowTimeSeconds,
        value: billOf(priceNanoPerKilowattHour, rowValue(row)),
      },
      keys.signing,
    ),
  );
  const rows = joinBytes(bills);
  return { signed: signedHeader(crypto, context, 'billing', { rows, basis, keys }), rows };
}

function signedHeader(
  crypto: Crypto,
  context: IntervalContext,
  kind: ProvidedKind,
  { rows, basis, keys }: OwnBasis & { readonly rows: Uint8Array },
): SignedHeader {
  const { ledgerId, registryEpoch, parametersDigest } = context;
  const about = { kind, ledgerId, parametersVersion: context.parameters.version, registryEpoch };
  const header = buildHeader(crypto, about, rows);
  return signHeader(crypto, header, { basis: sealDigest(crypto, basis), parametersDigest }, keys.signing);
}
