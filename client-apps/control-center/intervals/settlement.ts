// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../../protocol/crypto/sodium.js';
import type { SigningKey } from '../../../protocol/crypto/crypto.js';
import { ProtocolError } from '../../../protocol/errors.js';
import {
  encodeSealsFile,
  INDEX_FILE,
  type ProvidedLedger,
  ROWS_FILE,
  SEALS_FILE,
  type SealsFile,
} from '../../../protocol/ledger/bulletin.js';
import { type ConsumerList, consumerListDigest } from '../../../protocol/ledger/consumer-list.js';
import { witnessLength } from '../../../protocol/identity/witness.js';
import { ROWS_PER_PAGE } from '../../../protocol/ledger/limits.js';
import { rowAt, splitPages } from '../../../protocol/ledger/page.js';
import type { ProvidedKind } from '../../../protocol/ledger/row.js';
import { signSeal, type Seal } from '../../../protocol/ledger/seal.js';
import { signedHeaderDigest } from '../../../protocol/ledger/signed-header.js';
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
import { checkHeaderSignature } from '../../../protocol/rules/service-provider-signature.js';
import type { BulletinWriter } from '../../bulletin/writer.js';
import { LedgerError } from '../../ledger/index.js';
import type { LedgerWatch } from '../../ledger/ledger-watch.js';
import type { RegionLedger, CommittedProvided } from '../../ledger/region-ledger.js';
import type { Log } from '../../runtime/log.js';
import type { Frozen } from './frozen-store.js';

/** Ledger, bulletin and keys for settling an interval. */
export interface SettlementTools {
  readonly ledger: RegionLedger;
  readonly watch: LedgerWatch;
  readonly bulletin: BulletinWriter;
  readonly log: Log;
  readonly key: SigningKey;
  /** Reads who provides an interval's prices and bills now: its service provider may have been replaced meanwhile. */
  readonly providing: (startSeconds: number) => Promise<Providing>;
}

/** Who provides an interval's prices and bills. */
export interface Providing {
  /** The interval's, with the service providers in force. */
  readonly context: IntervalContext;
  /** H_1(sk_{SP,CC}), which makes the pseudonyms of prices. */
  readonly pricePseudonymKey: Uint8Array;
}

/** A committed interval whose ledgers the service provider writes. */
export interface Settlement {
  readonly context: IntervalContext;
  readonly frozen: Frozen;
  /** The epoch's list, in price mode `direct` and in no other. */
  readonly consumers?: ConsumerList | undefined;
}

/** Expected properties of a ledger of the service provider's. */
interface Expectation {
  readonly kind: ProvidedKind;
  /** The seal that it rests on. */
  readonly basis: Seal;
  readonly consumersDigest?: Uint8Array | undefined;
  /** Seal of the interval before. */
  readonly previous: Seal | undefined;
  /** Checks the pages against their basis. @throws ProtocolError */
  readonly check: (committed: CommittedProvided, providing: Providing) => void;
}

/**
 * Answers of the ledger to a choice after which the control center looks again: the service provider was faster, or was
 * replaced.
 */
const LOOK_AGAIN: ReadonlySet<string> = new Set([
  'HEADER_MISSING',
  'HEADER_REPLACED',
  'PAGES_MISSING',
  'BAD_SIGNATURE',
]);

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
    await ledger.putConsumption(sealed.header, rows, (page) => ({
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
 * Waits for the service provider's prices, checks, chooses and seals them. A price row for each consumer is sealed as
 * the service provider signed it, correct or not, so that anyone can check it.
 *
 * @param previous pricing seal of the interval before
 */
export async function settlePricing(
  tools: SettlementTools,
  { context, frozen, consumers }: Settlement,
  previous: Seal | undefined,
): Promise<ProvidedLedger> {
  const basis = frozen.sealed.seal;
  const { rows, sealed } = await settle(tools, context, {
    kind: 'pricing',
    basis,
    consumersDigest: consumers && consumerListDigest(sodiumCrypto, consumers),
    previous,
    check: (committed, providing) =>
      consumers === undefined
        ? checkOnePrice(committed, providing, basis)
        : checkDirectPrices(committed, providing.context, consumers),
  });
  const { region, startSeconds } = context.ledgerId;
  await tools.bulletin.writeFile(region, startSeconds, ROWS_FILE.pricing, rows);
  await publishSeals(tools.bulletin, { consumption: frozen.sealed, pricing: sealed });
  return sealed;
}

/** Waits for the service provider's bills, checks, chooses and seals them. @param previous billing seal before */
export async function settleBilling(
  tools: SettlementTools,
  { context, frozen }: Settlement,
  pricing: ProvidedLedger,
  previous: Seal | undefined,
): Promise<ProvidedLedger> {
  const price = sealedPrice(context, frozen.sealed.seal);
  const consumption = splitPages(frozen.rows);
  const { rows, sealed } = await settle(tools, context, {
    kind: 'billing',
    basis: pricing.seal,
    previous,
    check: (committed, providing) => {
      checkBillHeader(committed.header, frozen.sealed.header, price);
      splitPages(committed.rows).forEach((page, number) =>
        checkBillPage(sodiumCrypto, page, providing.context, {
          consumption: consumption[number]!,
          price,
          signatures: 'verify',
        }),
      );
    },
  });
  const { region, startSeconds } = context.ledgerId;
  await tools.bulletin.writeFile(region, startSeconds, ROWS_FILE.billing, rows);
  await publishSeals(tools.bulletin, { consumption: frozen.sealed, pricing, billing: sealed });
  return sealed;
}

/** Waits for a right ledger of the service provider's and seals it, after its choice is committed. */
async function settle(
  tools: SettlementTools,
  context: IntervalContext,
  expected: Expectation,
): Promise<{ rows: Uint8Array; sealed: ProvidedLedger }> {
  const { ledger, key } = tools;
  const { header, headerSignature, rows } = await choose(tools, context, expected);
  const signed = { header, headerSignature };
  const content = followingSealContent(sodiumCrypto, context, { signed, ...expected });
  const seal = signSeal(sodiumCrypto, chainSeal(sodiumCrypto, content, expected.previous, context), key);
  if (!(await ledger.isSealCommitted(seal))) {
    await ledger.putSeal(seal);
  }
  return { rows, sealed: { ...signed, ...seal } };
}

/**
 * Waits until all pages of a right header are committed, and fixes it. A wrong one is logged once with the service
 * provider's signature under it, and the wait continues: the service provider can replace it.
 */
function choose(
  { ledger, watch, log, providing }: SettlementTools,
  context: IntervalContext,
  expected: Expectation,
): Promise<CommittedProvided> {
  const { startSeconds } = context.ledgerId;
  const refused = new Set<string>();
  return watch.until(async () => {
    const committed = await ledger.provided(expected.kind, startSeconds);
    if (committed === undefined) {
      return undefined;
    }
    const digest = signedHeaderDigest(sodiumCrypto, committed);
    const fault = faultOf(committed, await providing(startSeconds), expected);
    if (fault !== undefined) {
      const headerDigest = toHex(digest);
      if (!refused.has(headerDigest)) {
        refused.add(headerDigest);
        const evidence = { headerDigest, headerSignature: toHex(committed.headerSignature) };
        const about = { ledger: expected.kind, startSeconds, code: fault.code, reason: fault.message, ...evidence };
        log.warn(about, "the service provider's ledger is wrong and is not sealed; waiting for another");
      }
      return undefined;
    }
    try {
      await ledger.putChoice(expected.kind, startSeconds, digest);
      return committed;
    } catch (error) {
      if (error instanceof LedgerError && LOOK_AGAIN.has(error.code)) {
        return undefined;
      }
      throw error;
    }
  });
}

/** The fault of a ledger of the service provider's; undefined when it has none. */
function faultOf(
  committed: CommittedProvided,
  providing: Providing,
  { basis, check }: Expectation,
): ProtocolError | undefined {
  try {
    const { context } = providing;
    const { header, rows } = committed;
    checkHeader(header, context);
    checkHeaderSignature(sodiumCrypto, committed, context, basis);
    splitPages(rows).forEach((page, number) => checkPageEntry(sodiumCrypto, page, header.pages[number]!));
    check(committed, providing);
    return undefined;
  } catch (error) {
    if (error instanceof ProtocolError) {
      return error;
    }
    throw error;
  }
}

function checkOnePrice({ rows }: CommittedProvided, { context, pricePseudonymKey }: Providing, basis: Seal): void {
  const row = rowAt(rows, 0);
  checkPriceRow(sodiumCrypto, row, context, { consumption: basis, signatures: 'verify' });
  checkPricePseudonym(sodiumCrypto, row, context, pricePseudonymKey);
}

function checkDirectPrices({ header, rows }: CommittedProvided, context: IntervalContext, list: ConsumerList): void {
  checkPriceCount(header, list.consumers.length);
  for (const page of splitPages(rows)) {
    checkDirectPricePage(sodiumCrypto, page, context);
  }
}

/** Publishes the seals last, so that everything they bind is published already. */
function publishSeals(bulletin: BulletinWriter, seals: SealsFile): Promise<void> {
  const { region, startSeconds } = seals.consumption.seal.ledgerId;
  return bulletin.writeFile(region, startSeconds, SEALS_FILE, encodeSealsFile(seals));
}
