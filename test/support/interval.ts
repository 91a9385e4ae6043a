// SPDX-License-Identifier: Apache-2.0
import { compareBytes, concatBytes, equalBytes } from '../../protocol/crypto/bytes.js';
import { pricePseudonym } from '../../protocol/identity/pseudonym.js';
import { priceTag, priceTagKey } from '../../protocol/identity/price-tag.js';
import { encodeWitnesses, type RowWitness } from '../../protocol/identity/witness.js';
import { consumerListDigest } from '../../protocol/ledger/consumer-list.js';
import { NO_DIGEST } from '../../protocol/ledger/document.js';
import { buildHeader, type Header } from '../../protocol/ledger/header.js';
import { encodeIndex, indexDigest } from '../../protocol/ledger/index-file.js';
import { encodeLedgerId, type LedgerId } from '../../protocol/ledger/ledger-id.js';
import { epochOf, intervalNumber } from '../../protocol/schedule/epochs.js';
import { rowTimeSeconds } from '../../protocol/schedule/windows.js';
import { ROWS_PER_PAGE } from '../../protocol/ledger/limits.js';
import { splitPages, splitRows } from '../../protocol/ledger/page.js';
import {
  type LedgerKind,
  type ProvidedKind,
  ROW_TYPE,
  rowPseudonym,
  rowValue,
  signRow,
} from '../../protocol/ledger/row.js';
import { type Seal, sealDigest, signSeal, type SignedSeal } from '../../protocol/ledger/seal.js';
import { type SignedHeader, signHeader } from '../../protocol/ledger/signed-header.js';
import { billOf } from '../../protocol/tariff/bill.js';
import { priceOf } from '../../protocol/tariff/tariff.js';
import { directoryDigest } from '../../protocol/onion/directory-format.js';
import {
  chainSeal,
  consumptionSealContent,
  followingSealContent,
  type SealContent,
} from '../../protocol/rules/check-seal.js';
import { intervalContext, type IntervalContext } from '../../protocol/rules/interval-context.js';
import { PseudonymChains, type MeterSecrets } from './fake-meter.js';
import type { FakeProvider, FakeRegion } from './region.js';

/** One ledger of an interval, ready to be put on a channel or into a bulletin. */
export interface IntervalLedger {
  readonly header: Header;
  /** All rows, ascending. */
  readonly rows: Uint8Array;
  /** Views into `rows`. */
  readonly pages: readonly Uint8Array[];
  readonly seal: SignedSeal;
}

/** A ledger of the service provider's. */
export type ProvidedIntervalLedger = IntervalLedger & SignedHeader;

/** One row with its witness. */
export interface WitnessedRow {
  readonly row: Uint8Array;
  readonly witness: RowWitness;
}

/** A complete, valid interval. */
export interface FakeInterval {
  readonly ledgerId: LedgerId;
  /** In the order of the ledger. */
  readonly witnessedRows: readonly WitnessedRow[];
  /** For each page the transient field `witnesses`. */
  readonly witnesses: readonly Uint8Array[];
  readonly index: Uint8Array;
  /** p, nano-currency per kWh. */
  readonly price: bigint;
  readonly consumption: IntervalLedger;
  readonly pricing: ProvidedIntervalLedger;
  readonly billing: ProvidedIntervalLedger;
}

/** Makes the intervals of one region, one after the other, with chained seals. */
export class IntervalMaker {
  readonly #previous: Partial<Record<LedgerKind, Seal>> = {};
  /** Seals by kind and start. */
  readonly #seals = new Map<string, Seal>();
  readonly #chains = new PseudonymChains();
  #next: number;

  /** Who makes the ledgers of the next interval. */
  providers: Record<ProvidedKind, FakeProvider>;

  /** @param first index of the first interval, counted from the start of the parameters */
  constructor(
    readonly kit: FakeRegion,
    first = 0,
  ) {
    this.#next = first;
    this.providers = { pricing: kit.provider, billing: kit.provider };
  }

  /**
   * The next interval.
   *
   * @param categories one category (0 to 4) for each row; row r is meter r modulo the number of meters
   * @param priceOfConsumer in price mode `direct`, what the service provider signs for a consumer instead of the price
   */
  next(
    categories: readonly number[],
    priceOfConsumer?: (place: number, price: bigint) => bigint | undefined,
  ): FakeInterval {
    const { kit } = this;
    const ledgerId: LedgerId = { region: kit.region, startSeconds: kit.startOf(this.#next++) };
    const witnessedRows = this.consumptionRows(ledgerId, categories);
    const rows = concatBytes(...witnessedRows.map(({ row }) => row));
    const index = encodeIndex(rows, kit.parameters.categoriesMilliWattHours);
    const context = intervalContext(kit.crypto, kit.parameters, ledgerId.startSeconds);
    const header = this.header('consumption', ledgerId, rows);
    const { registryRoot } = kit.registryRoot(header.registryEpoch);
    const content = consumptionSealContent(kit.crypto, context, header, {
      registryRoot: registryRoot.root,
      registeredMeters: registryRoot.meters,
      directoryDigest: directoryDigest(kit.crypto, kit.directory(header.registryEpoch).directory),
      indexDigest: indexDigest(kit.crypto, index),
    });
    const consumption = { header, rows, pages: splitPages(rows), seal: this.#seal(content, context) };
    const { total, registeredMeters } = consumption.seal.seal;
    const price = priceOf(kit.parameters.tariff, total, registeredMeters);
    const prices =
      kit.parameters.priceMode === 'ledger'
        ? this.priceRow(ledgerId, price)
        : this.directPriceRows(ledgerId, (place) => priceOfConsumer?.(place, price) ?? price);
    const pricing = this.#provided('pricing', context, prices);
    const billing = this.#provided('billing', context, this.billRows(ledgerId, rows, price));
    const witnesses = splitPages(rows).map((_, page) =>
      this.witnessesOf(witnessedRows.slice(ROWS_PER_PAGE * page, ROWS_PER_PAGE * (page + 1))),
    );
    return { ledgerId, witnessedRows, witnesses, index, price, consumption, pricing, billing };
  }

  /** Signed rows of the meters, ascending; pseudonyms and keys are used up. */
  consumptionRows(ledgerId: LedgerId, categories: readonly number[]): WitnessedRow[] {
    const { meters } = this.kit;
    return categories
      .map((category, row) => this.consumptionRow(ledgerId, meters[row % meters.length]!, category))
      .sort((a, b) => compareBytes(rowPseudonym(a.row), rowPseudonym(b.row)));
  }

  /** A meter's next row of an interval. */
  consumptionRow(ledgerId: LedgerId, meter: MeterSecrets, category: number): WitnessedRow {
    const { crypto, parameters } = this.kit;
    const { startSeconds } = ledgerId;
    const epoch = epochOf(parameters, startSeconds);
    const { row, source } = this.#chains.nextRow(crypto, parameters, meter, { startSeconds, epoch, category });
    const { epochNode, leaf } = meter.secretsOf(epoch);
    const { index, siblings } = this.kit.registry(epoch).path(leaf);
    return { row, witness: { ...source, epochNode, leafIndex: index, siblings } };
  }

  witnessesOf(rows: readonly WitnessedRow[]): Uint8Array {
    return encodeWitnesses(
      rows.map(({ witness }) => witness),
      this.kit.parameters.registryDepth,
    );
  }

  /**
   * A price row for each consumer, ascending by tag.
   *
   * @param priceOfConsumer by the consumer's place in the list
   * @param leftOut a consumer whose row has a stranger's tag
   */
  directPriceRows(
    ledgerId: LedgerId,
    priceOfConsumer: (place: number) => bigint,
    leftOut: Uint8Array = new Uint8Array(),
  ): Uint8Array {
    const { crypto, parameters, serviceProvider } = this.kit;
    const { identity } = parameters.serviceProvider;
    const epoch = epochOf(parameters, ledgerId.startSeconds);
    const number = intervalNumber(parameters, ledgerId.startSeconds);
    const timeSeconds = rowTimeSeconds(parameters, ledgerId.startSeconds);
    const rows = this.kit.consumerList(epoch).list.consumers.map((consumer, place) => {
      const shared = equalBytes(consumer, leftOut) ? this.kit.secret('stranger') : this.kit.consumerSharedKey(consumer);
      const key = priceTagKey(crypto, shared, epoch);
      const pseudonym = priceTag(crypto, key, identity, number);
      const content = { type: ROW_TYPE.price, ledgerId, pseudonym, timeSeconds, value: priceOfConsumer(place) };
      return signRow(crypto, content, serviceProvider);
    });
    return concatBytes(...rows.sort((a, b) => compareBytes(rowPseudonym(a), rowPseudonym(b))));
  }

  /** Directory digest that the pricing seal binds. */
  consumersDigest(ledgerId: LedgerId): Uint8Array {
    const { crypto, parameters } = this.kit;
    if (parameters.priceMode === 'ledger') {
      return NO_DIGEST;
    }
    return consumerListDigest(crypto, this.kit.consumerList(epochOf(parameters, ledgerId.startSeconds)).list);
  }

  /** The one price row of an interval, in price mode `ledger`. */
  priceRow(ledgerId: LedgerId, price: bigint): Uint8Array {
    const { crypto, parameters } = this.kit;
    const { pricePseudonymKey, names, signing } = this.providers.pricing;
    const pseudonym = pricePseudonym(crypto, pricePseudonymKey, names.identity, encodeLedgerId(ledgerId));
    const timeSeconds = rowTimeSeconds(parameters, ledgerId.startSeconds);
    return signRow(crypto, { type: ROW_TYPE.price, ledgerId, pseudonym, timeSeconds, value: price }, signing);
  }

  /** The bill rows for consumption rows, in their order. */
  billRows(ledgerId: LedgerId, consumptionRows: Uint8Array, price: bigint): Uint8Array {
    const { crypto, parameters } = this.kit;
    const timeSeconds = rowTimeSeconds(parameters, ledgerId.startSeconds);
    const bills = splitRows(consumptionRows).map((row) => {
      const value = billOf(price, rowValue(row));
      const content = { type: ROW_TYPE.bill, ledgerId, pseudonym: rowPseudonym(row), timeSeconds, value };
      return signRow(crypto, content, this.providers.billing.signing);
    });
    return concatBytes(...bills);
  }

  /** The header of any rows. */
  header(kind: LedgerKind, ledgerId: LedgerId, rows: Uint8Array): Header {
    const { crypto, parameters } = this.kit;
    const registryEpoch = epochOf(parameters, ledgerId.startSeconds);
    return buildHeader(crypto, { kind, ledgerId, parametersVersion: parameters.version, registryEpoch }, rows);
  }

  /** The service provider's signed header of any rows, on the seal of its interval. */
  signedHeader(kind: ProvidedKind, ledgerId: LedgerId, rows: Uint8Array): SignedHeader {
    return this.sign(this.header(kind, ledgerId, rows));
  }

  /** Signs any header of pricing or billing as the service provider, on the seal of its interval. */
  sign(header: Header, key = this.providers[header.kind === 'billing' ? 'billing' : 'pricing'].signing): SignedHeader {
    const { crypto, parameters } = this.kit;
    const { startSeconds } = header.ledgerId;
    const { parametersDigest } = intervalContext(crypto, parameters, startSeconds);
    const basis = sealDigest(crypto, this.#basis(header.kind as ProvidedKind, startSeconds));
    return signHeader(crypto, header, { basis, parametersDigest }, key);
  }

  #basis(kind: ProvidedKind, startSeconds: number): Seal {
    return this.#seals.get(`${kind === 'pricing' ? 'consumption' : 'pricing'}/${startSeconds}`)!;
  }

  #provided(kind: ProvidedKind, context: IntervalContext, rows: Uint8Array): ProvidedIntervalLedger {
    const { ledgerId } = context;
    const signed = this.signedHeader(kind, ledgerId, rows);
    const basis = this.#basis(kind, ledgerId.startSeconds);
    const consumersDigest = kind === 'pricing' ? this.consumersDigest(ledgerId) : undefined;
    const content = followingSealContent(this.kit.crypto, context, { signed, basis, consumersDigest });
    return { ...signed, rows, pages: splitPages(rows), seal: this.#seal(content, context) };
  }

  #seal(content: SealContent, context: IntervalContext): SignedSeal {
    const { crypto, controlCenter } = this.kit;
    const { kind, ledgerId } = content;
    const seal = chainSeal(crypto, content, this.#previous[kind], context);
    this.#previous[kind] = seal;
    this.#seals.set(`${kind}/${ledgerId.startSeconds}`, seal);
    return signSeal(crypto, seal, controlCenter);
  }
}
