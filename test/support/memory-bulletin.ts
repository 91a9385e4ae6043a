// SPDX-License-Identifier: Apache-2.0
import { compareBytes, concatBytes } from '../../protocol/crypto/bytes.js';
import {
  decodeSealsFile,
  encodeParametersFile,
  encodeSealsFile,
  INDEX_FILE,
  PARAMETERS_FILE,
  ROWS_FILE,
  type ProvidedLedger,
  SEALS_FILE,
  type SealsFile,
} from '../../protocol/ledger/bulletin.js';
import { encodeIndex, indexDigest } from '../../protocol/ledger/index-file.js';
import { encodeConsumerList } from '../../protocol/ledger/consumer-list.js';
import type { LedgerId } from '../../protocol/ledger/ledger-id.js';
import { epochOf } from '../../protocol/schedule/epochs.js';
import { type LedgerKind, type ProvidedKind, rowPseudonym } from '../../protocol/ledger/row.js';
import { type Seal, sealDigest, signSeal } from '../../protocol/ledger/seal.js';
import { signHeader } from '../../protocol/ledger/signed-header.js';
import { directoryDigest, encodeSignedDirectory } from '../../protocol/onion/directory-format.js';
import {
  chainSeal,
  consumptionSealContent,
  followingSealContent,
  type SealContent,
} from '../../protocol/rules/check-seal.js';
import { sealedPrice } from '../../protocol/rules/check-price.js';
import { intervalContext, type IntervalContext } from '../../protocol/rules/interval-context.js';
import type { BulletinSource } from '../../client-apps/bulletin/reader.js';
import { ClientError } from '../../client-apps/runtime/errors.js';
import { IntervalMaker } from './interval.js';
import type { FakeRegion } from './region.js';

/** Changes that a test makes to an interval before it is sealed. */
export interface Tampering {
  readonly price?: (price: bigint) => bigint;
  /** Price mode `direct`: what the service provider signs for the consumer at a place of the list. */
  readonly priceOf?: (place: number, price: bigint) => bigint;
  /** A consumer (pk_{U_i}) in whose place the service provider gives a stranger a price row. */
  readonly noPriceFor?: Uint8Array;
  readonly bills?: (rows: Uint8Array) => Uint8Array;
}

/** A region's bulletin in memory, which seals the rows that it is given as the control center would. */
export class MemoryBulletin implements BulletinSource {
  readonly files = new Map<string, Uint8Array>();
  /** Cut off: every read fails. */
  unreachable = false;
  /** Consumer lists are not to be had. */
  withholdsConsumers = false;
  readonly #maker: IntervalMaker;
  readonly #previous = new Map<LedgerKind, Seal>();

  constructor(readonly kit: FakeRegion) {
    this.#maker = new IntervalMaker(kit);
    this.files.set(PARAMETERS_FILE, encodeParametersFile([kit.signedParameters]));
  }

  readParameters(): Promise<Uint8Array | undefined> {
    return this.#read(PARAMETERS_FILE);
  }

  readDirectory(_region: string, epoch: number): Promise<Uint8Array | undefined> {
    return this.#read(`directory/${epoch}`);
  }

  readConsumers(_region: string, epoch: number): Promise<Uint8Array | undefined> {
    const { kit } = this;
    if (this.withholdsConsumers || kit.parameters.priceMode === 'ledger') {
      return Promise.resolve(undefined);
    }
    return Promise.resolve(encodeConsumerList(kit.consumerList(epoch)));
  }

  readFile(_region: string, startSeconds: number, file: string): Promise<Uint8Array | undefined> {
    return this.#read(`${startSeconds}/${file}`);
  }

  close(): void {}

  publishDirectory(epoch: number): void {
    this.files.set(`directory/${epoch}`, encodeSignedDirectory(this.kit.directory(epoch)));
  }

  /**
   * Seals an interval.
   *
   * @param rows consumption rows in any order
   * @param upTo the last ledger that is sealed
   */
  seal(startSeconds: number, rows: readonly Uint8Array[], upTo: LedgerKind, tampering: Tampering = {}): void {
    const { kit } = this;
    const { crypto } = kit;
    const ledgerId = { region: kit.region, startSeconds };
    const context = intervalContext(crypto, kit.parameters, startSeconds);
    const sorted = concatBytes(...[...rows].sort((a, b) => compareBytes(rowPseudonym(a), rowPseudonym(b))));
    const index = encodeIndex(sorted, kit.parameters.categoriesMilliWattHours);
    const epoch = epochOf(kit.parameters, startSeconds);
    const { root: registryRoot, meters: registeredMeters } = kit.registryRoot(epoch).registryRoot;

    const header = this.#maker.header('consumption', ledgerId, sorted);
    const consumption = this.#sign(
      consumptionSealContent(crypto, context, header, {
        registryRoot,
        registeredMeters,
        directoryDigest: directoryDigest(crypto, kit.directory(epoch).directory),
        indexDigest: indexDigest(crypto, index),
      }),
      context,
    );
    let seals: SealsFile = { consumption: { ...consumption, header } };
    this.#put(startSeconds, ROWS_FILE.consumption, sorted);
    this.#put(startSeconds, INDEX_FILE, index);
    if (upTo !== 'consumption') {
      const due = sealedPrice(context, consumption.seal);
      const price = tampering.price?.(due) ?? due;
      const prices = this.#prices(ledgerId, price, tampering);
      const consumersDigest = this.#maker.consumersDigest(ledgerId);
      const pricing = this.#following('pricing', prices, context, { basis: consumption.seal, consumersDigest });
      seals = { ...seals, pricing };
      if (upTo === 'billing') {
        const bills = this.#maker.billRows(ledgerId, sorted, price);
        const changed = tampering.bills?.(bills) ?? bills;
        seals = { ...seals, billing: this.#following('billing', changed, context, { basis: pricing.seal }) };
      }
    }
    this.#put(startSeconds, SEALS_FILE, encodeSealsFile(seals));
  }

  /** The price that was sealed for an interval, nano-currency per kWh. */
  price(startSeconds: number): bigint {
    return decodeSealsFile(this.files.get(`${startSeconds}/${SEALS_FILE}`)!).pricing!.seal.total;
  }

  #prices(ledgerId: LedgerId, price: bigint, { priceOf, noPriceFor }: Tampering): Uint8Array {
    if (this.kit.parameters.priceMode === 'ledger') {
      return this.#maker.priceRow(ledgerId, price);
    }
    return this.#maker.directPriceRows(ledgerId, (place) => priceOf?.(place, price) ?? price, noPriceFor);
  }

  #following(
    kind: ProvidedKind,
    rows: Uint8Array,
    context: IntervalContext,
    { basis, consumersDigest }: { basis: Seal; consumersDigest?: Uint8Array },
  ): ProvidedLedger {
    const header = this.#maker.header(kind, context.ledgerId, rows);
    this.#put(context.ledgerId.startSeconds, ROWS_FILE[kind], rows);
    const { crypto, serviceProvider } = this.kit;
    const about = { basis: sealDigest(crypto, basis), parametersDigest: context.parametersDigest };
    const signed = signHeader(crypto, header, about, serviceProvider);
    return {
      ...this.#sign(followingSealContent(crypto, context, { signed, basis, consumersDigest }), context),
      ...signed,
    };
  }

  #sign(content: SealContent, context: IntervalContext): ReturnType<typeof signSeal> {
    const seal = chainSeal(this.kit.crypto, content, this.#previous.get(content.kind), context);
    this.#previous.set(seal.kind, seal);
    return signSeal(this.kit.crypto, seal, this.kit.controlCenter);
  }

  #put(startSeconds: number, file: string, bytes: Uint8Array): void {
    this.files.set(`${startSeconds}/${file}`, bytes);
  }

  #read(path: string): Promise<Uint8Array | undefined> {
    if (this.unreachable) {
      return Promise.reject(new ClientError('UNREACHABLE', 'cut off'));
    }
    return Promise.resolve(this.files.get(path));
  }
}
