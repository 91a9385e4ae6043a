// SPDX-License-Identifier: Apache-2.0
import { Context, Info, Returns, Transaction } from 'fabric-contract-api';
import { wipe } from '../../protocol/crypto/bytes.js';
import { KEY_LENGTH } from '../../protocol/crypto/crypto.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { encodeCanonical } from '../../protocol/ledger/canonical-json.js';
import { ROW_LENGTH, rowValue } from '../../protocol/ledger/row.js';
import { checkHeader } from '../../protocol/rules/check-header.js';
import { checkPageEntry } from '../../protocol/rules/check-page.js';
import { checkPricePseudonym, checkPriceRow } from '../../protocol/rules/check-price.js';
import { followingSealContent } from '../../protocol/rules/check-seal.js';
import { ledgerIdArgument, pageArgument, transientField } from '../common/arguments.js';
import { readBasis } from '../common/basis.js';
import { requireServiceProvider } from '../common/caller.js';
import {
  headerArgument,
  headerStands,
  pageStands,
  putSeal,
  requireEntry,
  writeHeader,
  writePage,
} from '../common/interval.js';
import { LedgerContract } from '../common/ledger-contract.js';
import { getHeader, getLatestSeal, getPage, getPageRows, getSeal } from '../common/queries.js';
import { asText } from '../common/state.js';

/**
 * The paper's ledger DAP: the price of each interval, by the tariff from the sealed total. The service provider writes
 * it, the control center seals it.
 */
@Info({ title: 'PricingContract', description: 'The price of each interval' })
export class PricingContract extends LedgerContract {
  constructor() {
    super('PricingContract', 'pricing');
  }

  /** Announces the one page with the one row of an interval. */
  @Transaction()
  async PutHeader(ctx: Context, headerJson: string): Promise<void> {
    const argument = headerArgument('pricing', headerJson);
    const { header } = argument;
    const { context } = await readBasis(ctx, 'consumption', header.ledgerId);
    requireServiceProvider(ctx, context.parameters);
    if (await headerStands(ctx, argument)) return;
    checkHeader(header, context);
    await writeHeader(ctx, argument);
  }

  /** Writes the price. Transient: `rows`, and `pricePseudonymKey` to check the row's pseudonym. */
  @Transaction()
  async PutPage(ctx: Context, region: string, startSeconds: string, page: string): Promise<void> {
    const key = transientField(ctx, 'pricePseudonymKey', KEY_LENGTH);
    try {
      const rows = transientField(ctx, 'rows', ROW_LENGTH);
      const ledgerId = ledgerIdArgument(region, startSeconds);
      const number = pageArgument(page);
      const { seal, context } = await readBasis(ctx, 'consumption', ledgerId);
      requireServiceProvider(ctx, context.parameters);
      if (await pageStands(ctx, ledgerId, number, rows)) return;
      const { header, entry } = await requireEntry(ctx, ledgerId, number);
      checkPageEntry(sodiumCrypto, rows, entry);
      checkPriceRow(sodiumCrypto, rows, context, seal);
      checkPricePseudonym(sodiumCrypto, rows, context, key);
      await writePage(ctx, header, number, rows);
    } finally {
      wipe(key);
    }
  }

  /** Seals an interval whose price stands. */
  @Transaction()
  async PutSeal(ctx: Context, sealJson: string): Promise<void> {
    await putSeal(ctx, sealJson, async (header) => {
      const { seal, context } = await readBasis(ctx, 'consumption', header.ledgerId);
      return { context, content: followingSealContent(sodiumCrypto, context, header, seal) };
    });
  }

  /** The price of an interval as it stands, sealed or not. */
  @Transaction(false)
  @Returns('string')
  async GetPrice(ctx: Context, region: string, startSeconds: string): Promise<string> {
    const ledgerId = ledgerIdArgument(region, startSeconds);
    const row = await getPageRows(ctx, region, startSeconds, '0');
    const price = { priceNanoPerKilowattHour: rowValue(row).toString() };
    return asText(encodeCanonical({ region, startSeconds: ledgerId.startSeconds, ...price }));
  }

  /** The header of an interval. */
  @Transaction(false)
  @Returns('string')
  GetHeader(ctx: Context, region: string, startSeconds: string): Promise<string> {
    return getHeader(ctx, region, startSeconds);
  }

  /** A page, field by field. */
  @Transaction(false)
  @Returns('string')
  GetPage(ctx: Context, region: string, startSeconds: string, page: string): Promise<string> {
    return getPage(ctx, 'pricing', region, startSeconds, page);
  }

  /** A page as raw rows of 177 bytes. */
  @Transaction(false)
  GetPageRows(ctx: Context, region: string, startSeconds: string, page: string): Promise<Uint8Array> {
    return getPageRows(ctx, region, startSeconds, page);
  }

  /** The signed seal of an interval. */
  @Transaction(false)
  @Returns('string')
  GetSeal(ctx: Context, region: string, startSeconds: string): Promise<string> {
    return getSeal(ctx, region, startSeconds);
  }

  /** The signed seal of the newest sealed interval. */
  @Transaction(false)
  @Returns('string')
  GetLatestSeal(ctx: Context, region: string): Promise<string> {
    return getLatestSeal(ctx, region);
  }
}
