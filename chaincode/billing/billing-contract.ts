// SPDX-License-Identifier: Apache-2.0
import { Context, Info, Returns, Transaction } from 'fabric-contract-api';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { ROWS_PER_PAGE } from '../../protocol/ledger/limits.js';
import { ROW_LENGTH } from '../../protocol/ledger/row.js';
import { checkBillHeader, checkBillPage } from '../../protocol/rules/check-bills.js';
import { checkHeader } from '../../protocol/rules/check-header.js';
import { followingSealContent } from '../../protocol/rules/check-seal.js';
import { checkHeaderSignature } from '../../protocol/rules/service-provider-signature.js';
import { ledgerIdArgument, pageArgument, transientField } from '../common/arguments.js';
import { readBasis, readConsumptionHeader, readConsumptionPage, readPrice } from '../common/basis.js';
import { requireServiceProvider } from '../common/caller.js';
import { putSeal } from '../common/interval.js';
import {
  putChoice,
  putProvidedPage,
  putSignedHeader,
  reopenHeader,
  requireChosenHeader,
  signedHeaderArgument,
} from '../common/provided-header.js';
import { LedgerContract } from '../common/ledger-contract.js';
import { getSuccessor, putSuccessor } from '../common/successor.js';
import { getHeader, getLatestSeal, getPage, getPageRows, getSeal } from '../common/queries.js';

/**
 * The paper's ledger BC: one bill per consumption row, in the same pages. The service provider writes it, the control
 * center seals it.
 */
@Info({ title: 'BillingContract', description: 'One bill per consumption row' })
export class BillingContract extends LedgerContract {
  constructor() {
    super('BillingContract', 'billing');
  }

  /** Announces the bills, page by page as the consumption. */
  @Transaction()
  async PutHeader(ctx: Context, headerJson: string): Promise<void> {
    const argument = signedHeaderArgument('billing', headerJson);
    const { signed } = argument;
    const { header } = signed;
    const basis = await readBasis(ctx, 'pricing', header.ledgerId);
    requireServiceProvider(ctx, 'billing', basis.context);
    await putSignedHeader(ctx, argument, async () => {
      checkHeader(header, basis.context);
      checkHeaderSignature(sodiumCrypto, signed, basis.context, basis.seal);
      checkBillHeader(header, await readConsumptionHeader(ctx, header.ledgerId), await readPrice(ctx, basis));
    });
  }

  /** Writes a page of bills. Transient: `rows`, so that the block contains them once. */
  @Transaction()
  async PutPage(ctx: Context, region: string, startSeconds: string, page: string): Promise<void> {
    const rows = transientField(ctx, 'rows', ROWS_PER_PAGE * ROW_LENGTH);
    const ledgerId = ledgerIdArgument(region, startSeconds);
    const number = pageArgument(page);
    const basis = await readBasis(ctx, 'pricing', ledgerId);
    requireServiceProvider(ctx, 'billing', basis.context);
    await putProvidedPage(ctx, { ledgerId, number, rows }, async () => {
      const consumption = await readConsumptionPage(ctx, ledgerId, number);
      const price = await readPrice(ctx, basis);
      checkBillPage(sodiumCrypto, rows, basis.context, { consumption, price, signatures: 'verify' });
    });
  }

  /** Fixes the header that the control center has verified with all its pages, so that it can be sealed. */
  @Transaction()
  PutChoice(ctx: Context, region: string, startSeconds: string, chosenDigest: string): Promise<void> {
    return putChoice(ctx, 'billing', { region, start: startSeconds, chosenDigest });
  }

  /** Lets the service provider go on replacing a header that it has replaced too often. */
  @Transaction()
  ReopenHeader(ctx: Context, region: string, startSeconds: string): Promise<void> {
    return reopenHeader(ctx, 'billing', region, startSeconds);
  }

  /** Names who writes this ledger in place of a service provider that has vanished. */
  @Transaction()
  PutSuccessor(ctx: Context, successorJson: string): Promise<void> {
    return putSuccessor(ctx, 'billing', successorJson);
  }

  /** Seals an interval whose bills are chosen. */
  @Transaction()
  async PutSeal(ctx: Context, sealJson: string): Promise<void> {
    await putSeal(ctx, sealJson, async (ledgerId) => {
      const signed = await requireChosenHeader(ctx, ledgerId);
      const { seal: basis, context } = await readBasis(ctx, 'pricing', ledgerId);
      return { context, content: followingSealContent(sodiumCrypto, context, { signed, basis }) };
    });
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
    return getPage(ctx, 'billing', { region, start: startSeconds, page });
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
