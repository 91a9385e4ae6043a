// SPDX-License-Identifier: Apache-2.0
import { compareBytes, joinBytes } from '../../protocol/crypto/bytes.js';
import type { Crypto } from '../../protocol/crypto/crypto.js';
import { priceTag } from '../../protocol/identity/price-tag.js';
import { pricePseudonym } from '../../protocol/identity/pseudonym.js';
import { buildHeader, type Header } from '../../protocol/ledger/header.js';
import { intervalNumber } from '../../protocol/schedule/epochs.js';
import { splitRows } from '../../protocol/ledger/page.js';
import { ROW_TYPE, rowPseudonym, rowValue, signRow, type LedgerKind } from '../../protocol/ledger/row.js';
import type { Seal } from '../../protocol/ledger/seal.js';
import { billOf } from '../../protocol/tariff/bill.js';
import { sealedPrice } from '../../protocol/rules/check-price.js';
import type { IntervalContext } from '../../protocol/rules/interval-context.js';
import type { ServiceProviderKeys } from './keys.js';

/** A ledger to be written: the same inputs give the same bytes, so it may be made and sent again at any time. */
export interface OwnLedger {
  readonly header: Header;
  readonly rows: Uint8Array;
}

/**
 * The price ledger of an interval: one row with p_j, the tariff's price for the sealed total.
 *
 * @param consumption the sealed consumption, verified
 * @param pseudonymKey H_1(sk_{SP,CC})
 */
export function makePrice(
  crypto: Crypto,
  context: IntervalContext,
  consumption: Seal,
  keys: ServiceProviderKeys,
  pseudonymKey: Uint8Array,
): OwnLedger {
  const row = signRow(
    crypto,
    {
      type: ROW_TYPE.price,
      ledgerId: context.ledgerId,
      pseudonym: pricePseudonym(crypto, pseudonymKey, keys.identity, context.ledgerIdBytes),
      timeSeconds: context.rowTimeSeconds,
      value: sealedPrice(context, consumption),
    },
    keys.signing,
  );
  return { header: headerOf(crypto, 'pricing', context, row), rows: row };
}

/**
 * The price ledger of an interval in price mode `direct` (Table 4): a row with p_j for each consumer of the epoch, under
 * a tag that it and the service provider alone can tell from another's.
 *
 * @param consumption the sealed consumption, verified
 * @param tagKeys of the epoch's consumers, see `priceTagKey`
 */
export function makeDirectPrices(
  crypto: Crypto,
  context: IntervalContext,
  consumption: Seal,
  keys: ServiceProviderKeys,
  tagKeys: readonly Uint8Array[],
): OwnLedger {
  const number = intervalNumber(context.parameters, context.ledgerId.startSeconds);
  const value = sealedPrice(context, consumption);
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
  return { header: headerOf(crypto, 'pricing', context, rows), rows };
}

/**
 * The bills of an interval: one for each consumption row, under its pseudonym, B = p · c.
 *
 * @param consumption rows of the sealed consumption, verified
 */
export function makeBills(
  crypto: Crypto,
  context: IntervalContext,
  consumption: Uint8Array,
  priceNanoPerKilowattHour: bigint,
  keys: ServiceProviderKeys,
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
  return { header: headerOf(crypto, 'billing', context, rows), rows };
}

function headerOf(crypto: Crypto, kind: LedgerKind, context: IntervalContext, rows: Uint8Array): Header {
  return buildHeader(
    crypto,
    {
      kind,
      ledgerId: context.ledgerId,
      parametersVersion: context.parameters.version,
      registryEpoch: context.registryEpoch,
    },
    rows,
  );
}
