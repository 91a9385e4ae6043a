// SPDX-License-Identifier: Apache-2.0
import { Context, Info, Returns, Transaction } from 'fabric-contract-api';
import { wipe } from '../../protocol/crypto/bytes.js';
import { KEY_LENGTH } from '../../protocol/crypto/crypto.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { encodeCanonical } from '../../protocol/ledger/canonical-json.js';
import { consumerListDigest } from '../../protocol/ledger/consumer-list.js';
import { ROWS_PER_PAGE } from '../../protocol/ledger/limits.js';
import { splitRows } from '../../protocol/ledger/page.js';
import { ROW_LENGTH, rowValue } from '../../protocol/ledger/row.js';
import { checkPriceCount } from '../../protocol/rules/check-consumers.js';
import { checkHeader } from '../../protocol/rules/check-header.js';
import { checkDirectPricePage, checkPricePseudonym, checkPriceRow } from '../../protocol/rules/check-price.js';
import { followingSealContent } from '../../protocol/rules/check-seal.js';
import type { IntervalContext } from '../../protocol/rules/interval-context.js';
import { checkHeaderSignature } from '../../protocol/rules/service-provider-signature.js';
import { ledgerIdArgument, pageArgument, transientField } from '../common/arguments.js';
import { readBasis, readConsumers } from '../common/basis.js';
import { requireServiceProvider } from '../common/caller.js';
import { putSeal } from '../common/interval.js';
import {
  putChoice,
  putProvidedPage,
  putSignedHeader,
  reopenHeader,
  requireChosenHeader,
  requireSignedHeader,
  signedHeaderArgument,
} from '../common/provided-header.js';
import { LedgerContract } from '../common/ledger-contract.js';
import { getSuccessor, putSuccessor } from '../common/successor.js';
import { getHeader, getLatestSeal, getPage, getPageRows, getSeal } from '../common/queries.js';
import { Refusal } from '../common/refusal.js';
import { asText } from '../common/state.js';

/**
 * The paper's ledger DAP: the price of each interval, by the tariff from the sealed total. The service provider writes
 * it, the control center seals it. It is one row for all (Table 2), which is checked here; or in price mode `direct` a
 * row for each consumer (Table 4), of which only the service provider's signature is checked: a wrong price that it
 * signed is recorded as evidence.
 */
@Info({ title: 'PricingContract', description: 'The price of each interval' })
export class PricingContract extends LedgerContract {
  constructor() {
    super('PricingContract', 'pricing');
  }

  /** Announces the row of an interval, or the pages with a row for each consumer. */
  @Transaction()
  async PutHeader(ctx: Context, headerJson: string): Promise<void> {
    const argument = signedHeaderArgument('pricing', headerJson);
    const { signed } = argument;
    const { header } = signed;
    const { seal, context } = await readBasis(ctx, 'consumption', header.ledgerId);
    requireServiceProvider(ctx, 'pricing', context);
    await putSignedHeader(ctx, argument, async () => {
      checkHeader(header, context);
      checkHeaderSignature(sodiumCrypto, signed, context, seal);
      if (context.parameters.priceMode === 'direct') {
        const { consumers } = await readConsumers(ctx, context.ledgerId.region, context.registryEpoch);
        checkPriceCount(header, consumers.length);
      }
    });
  }

  /** Writes a page of prices. Transient: `rows`, and for the one row of Table 2 `pricePseudonymKey`. */
  @Transaction()
  async PutPage(ctx: Context, region: string, startSeconds: string, page: string): Promise<void> {
    const rows = transientField(ctx, 'rows', ROWS_PER_PAGE * ROW_LENGTH);
    const ledgerId = ledgerIdArgument(region, startSeconds);
    const place = { ledgerId, number: pageArgument(page), rows };
    const { seal, context } = await readBasis(ctx, 'consumption', ledgerId);
    requireServiceProvider(ctx, 'pricing', context);
    if (context.parameters.priceMode === 'direct') {
      await putProvidedPage(ctx, place, () => checkDirectPricePage(sodiumCrypto, rows, context));
      return;
    }
    const key = transientField(ctx, 'pricePseudonymKey', KEY_LENGTH);
    try {
      await putProvidedPage(ctx, place, () => {
        checkPriceRow(sodiumCrypto, rows, context, { consumption: seal, signatures: 'verify' });
        checkPricePseudonym(sodiumCrypto, rows, context, key);
      });
    } finally {
      wipe(key);
    }
  }

  /** Fixes the header that the control center has verified with all its pages, so that it can be sealed. */
  @Transaction()
  PutChoice(ctx: Context, region: string, startSeconds: string, chosenDigest: string): Promise<void> {
    return putChoice(ctx, 'pricing', { region, start: startSeconds, chosenDigest });
  }

  /** Lets the service provider go on replacing a header that it has replaced too often. */
  @Transaction()
  ReopenHeader(ctx: Context, region: string, startSeconds: string): Promise<void> {
    return reopenHeader(ctx, 'pricing', region, startSeconds);
  }

  /** Names who writes this ledger in place of a service provider that has vanished. */
  @Transaction()
  PutSuccessor(ctx: Context, successorJson: string): Promise<void> {
    return putSuccessor(ctx, 'pricing', successorJson);
  }

  /** Seals an interval whose prices are chosen. */
  @Transaction()
  async PutSeal(ctx: Context, sealJson: string): Promise<void> {
    await putSeal(ctx, sealJson, async (ledgerId) => {
      const signed = await requireChosenHeader(ctx, ledgerId);
      const { seal: basis, context } = await readBasis(ctx, 'consumption', ledgerId);
      const digest = await consumersDigest(ctx, context);
      return {
        context,
        content: followingSealContent(sodiumCrypto, context, { signed, basis, consumersDigest: digest }),
      };
    });
  }

  /** The committed price of an interval, sealed or not. `WRONG_PRICE` when consumers have different ones. */
  @Transaction(false)
  @Returns('string')
  async GetPrice(ctx: Context, region: string, startSeconds: string): Promise<string> {
    const ledgerId = ledgerIdArgument(region, startSeconds);
    const [first] = splitRows(await getPageRows(ctx, region, startSeconds, '0'));
    const { header } = await requireSignedHeader(ctx, ledgerId);
    if (header.histogram.length > 1) {
      throw new Refusal('WRONG_PRICE', 'consumers were given different prices');
    }
    const price = { priceNanoPerKilowattHour: rowValue(first!).toString() };
    return asText(encodeCanonical({ region, startSeconds: ledgerId.startSeconds, ...price }));
  }

  /** The successor, on this ledger, of the service provider with this signature key. */
  @Transaction(false)
  @Returns('string')
  GetSuccessor(ctx: Context, region: string, replacedKey: string): Promise<string> {
    return getSuccessor(ctx, region, replacedKey);
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
    return getPage(ctx, 'pricing', { region, start: startSeconds, page });
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

/**
 * Digest that a pricing seal binds as its directory: the epoch's consumers in price mode `direct`, nothing otherwise.
 */
async function consumersDigest(
  ctx: Context,
  { parameters, ledgerId, registryEpoch }: IntervalContext,
): Promise<Uint8Array | undefined> {
  if (parameters.priceMode === 'ledger') {
    return undefined;
  }
  return consumerListDigest(sodiumCrypto, await readConsumers(ctx, ledgerId.region, registryEpoch));
}
