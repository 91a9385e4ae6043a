// SPDX-License-Identifier: Apache-2.0
import { sodiumCrypto } from '../../../protocol/crypto/sodium.js';
import type { SigningKey } from '../../../protocol/crypto/crypto.js';
import {
  encodeSealsFile,
  INDEX_FILE,
  ROWS_FILE,
  SEALS_FILE,
  type SealedLedger,
  type SealsFile,
} from '../../../protocol/ledger/bulletin.js';
import { type ConsumerList, consumerListDigest } from '../../../protocol/ledger/consumer-list.js';
import { witnessLength } from '../../../protocol/identity/witness.js';
import { ROWS_PER_PAGE } from '../../../protocol/ledger/limits.js';
import { rowAt, splitPages } from '../../../protocol/ledger/page.js';
import { signSeal, type Seal } from '../../../protocol/ledger/seal.js';
import { checkPriceCount } from '../../../protocol/rules/check-consumers.js';
import { checkBillHeader, checkBillPage } from '../../../protocol/rules/check-bills.js';
import { checkHeader } from '../../../protocol/rules/check-header.js';
import { checkPageEntry } from '../../../protocol/rules/check-page.js';
import {
  checkDirectPricePage,
  checkPricePseudonym,
  checkPriceRow,
  sealedPrice,
} from '../../../protocol/rules/check-price.js';
import { chainSeal, followingSealContent } from '../../../protocol/rules/check-seal.js';
import type { IntervalContext } from '../../../protocol/rules/interval-context.js';
import type { BulletinWriter } from '../../bulletin/writer.js';
import type { LedgerWatch } from '../../ledger/ledger-watch.js';
import type { RegionLedger, CommittedLedger } from '../../ledger/region-ledger.js';
import type { Frozen } from './frozen-store.js';

/** Ledger, bulletin and keys for settling an interval. */
export interface SettlementTools {
  readonly ledger: RegionLedger;
  readonly watch: LedgerWatch;
  readonly bulletin: BulletinWriter;
  readonly key: SigningKey;
  /** H_1(sk_{SP,CC}), which makes the pseudonyms of prices. */
  readonly pricePseudonymKey: Uint8Array;
}

/**
 * Writes a frozen interval to the ledger and publishes it. Every step is idempotent and its bytes are frozen, so it may
 * be interrupted anywhere and repeated.
 *
 * @param depth levels of the epoch's registry, by which the witnesses are cut into pages
 */
export async function commitConsumption(
  { ledger, bulletin }: Pick<SettlementTools, 'ledger' | 'bulletin'>,
  frozen: Frozen,
  depth: number,
): Promise<void> {
  const { sealed, rows, index, witnesses } = frozen;
  if (!(await ledger.isSealCommitted(sealed))) {
    const pageLength = ROWS_PER_PAGE * witnessLength(depth);
    await ledger.putLedger(sealed.header, rows, (page) => ({
      witnesses: witnesses.subarray(page * pageLength, (page + 1) * pageLength),
    }));
    await ledger.putSeal(sealed);
  }
  const { region, startSeconds } = sealed.seal.ledgerId;
  await bulletin.writeFile(region, startSeconds, ROWS_FILE.consumption, rows);
  await bulletin.writeFile(region, startSeconds, INDEX_FILE, index);
  await publishSeals(bulletin, { consumption: sealed });
}

/**
 * Waits for the service provider's prices, checks and seals them. A price row for each consumer is sealed as the service
 * provider signed it, correct or not, so that anyone can check it.
 *
 * @param consumers the epoch's list, in price mode `direct` and in no other
 */
export async function settlePricing(
  tools: SettlementTools,
  context: IntervalContext,
  frozen: Frozen,
  previous: Seal | undefined,
  consumers: ConsumerList | undefined,
): Promise<SealedLedger> {
  const { ledger, watch, bulletin } = tools;
  const { startSeconds } = context.ledgerId;
  const basis = frozen.sealed.seal;
  const committed = await watch.until(() => ledger.committed('pricing', startSeconds));
  checkPages(committed, context);
  if (consumers === undefined) {
    checkOnePrice(committed, context, basis, tools.pricePseudonymKey);
  } else {
    checkDirectPrices(committed, context, consumers);
  }
  const digest = consumers && consumerListDigest(sodiumCrypto, consumers);
  const pricing = await seal(tools, context, committed, basis, previous, digest);
  await bulletin.writeFile(context.ledgerId.region, startSeconds, ROWS_FILE.pricing, committed.rows);
  await publishSeals(bulletin, { consumption: frozen.sealed, pricing });
  return pricing;
}

/** Waits for the service provider's bills, checks and seals them. */
export async function settleBilling(
  tools: SettlementTools,
  context: IntervalContext,
  frozen: Frozen,
  pricing: SealedLedger,
  previous: Seal | undefined,
): Promise<SealedLedger> {
  const { ledger, watch, bulletin } = tools;
  const { startSeconds } = context.ledgerId;
  const committed = await watch.until(() => ledger.committed('billing', startSeconds));
  const price = sealedPrice(context, frozen.sealed.seal);
  checkPages(committed, context);
  checkBillHeader(committed.header, frozen.sealed.header, price);
  const consumption = splitPages(frozen.rows);
  splitPages(committed.rows).forEach((page, number) =>
    checkBillPage(sodiumCrypto, page, consumption[number]!, price, context, 'verify'),
  );
  const billing = await seal(tools, context, committed, pricing.seal, previous);
  await bulletin.writeFile(context.ledgerId.region, startSeconds, ROWS_FILE.billing, committed.rows);
  await publishSeals(bulletin, { consumption: frozen.sealed, pricing, billing });
  return billing;
}

function checkPages({ header, rows }: CommittedLedger, context: IntervalContext): void {
  checkHeader(header, context);
  splitPages(rows).forEach((page, number) => checkPageEntry(sodiumCrypto, page, header.pages[number]!));
}

function checkOnePrice({ rows }: CommittedLedger, context: IntervalContext, basis: Seal, key: Uint8Array): void {
  const row = rowAt(rows, 0);
  checkPriceRow(sodiumCrypto, row, context, basis);
  checkPricePseudonym(sodiumCrypto, row, context, key);
}

function checkDirectPrices({ header, rows }: CommittedLedger, context: IntervalContext, list: ConsumerList): void {
  checkPriceCount(header, list.consumers.length);
  for (const page of splitPages(rows)) {
    checkDirectPricePage(sodiumCrypto, page, context);
  }
}

async function seal(
  { ledger, key }: SettlementTools,
  context: IntervalContext,
  { header }: CommittedLedger,
  basis: Seal,
  previous: Seal | undefined,
  consumersDigest?: Uint8Array,
): Promise<SealedLedger> {
  const content = followingSealContent(sodiumCrypto, context, header, basis, consumersDigest);
  const signed = signSeal(sodiumCrypto, chainSeal(sodiumCrypto, content, previous, context), key);
  if (!(await ledger.isSealCommitted(signed))) {
    await ledger.putSeal(signed);
  }
  return { header, ...signed };
}

/** Publishes the seals last, so that everything they bind is published already. */
function publishSeals(bulletin: BulletinWriter, seals: SealsFile): Promise<void> {
  const { region, startSeconds } = seals.consumption.seal.ledgerId;
  return bulletin.writeFile(region, startSeconds, SEALS_FILE, encodeSealsFile(seals));
}
