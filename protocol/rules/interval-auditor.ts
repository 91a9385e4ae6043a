// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../crypto/bytes.js';
import type { Crypto } from '../crypto/crypto.js';
import { ProtocolError } from '../errors.js';
import { INDEX_FILE, type ProvidedLedger, ROWS_FILE, type SealedLedger, SEALS_FILE } from '../ledger/bulletin.js';
import type { Header } from '../ledger/header.js';
import { encodeIndex, INDEX_ENTRY_LENGTH, indexDigest } from '../ledger/index-file.js';
import { ROWS_PER_PAGE } from '../ledger/limits.js';
import { splitPages, splitRows } from '../ledger/page.js';
import type { SignedParameters } from '../ledger/parameters.js';
import { type LedgerKind, ROW_LENGTH, verifyRowSignature } from '../ledger/row.js';
import type { Seal } from '../ledger/seal.js';
import { parametersOfEpoch } from '../schedule/versions.js';
import { checkBillHeader, checkBillPage } from './check-bills.js';
import { checkPriceCount } from './check-consumers.js';
import { checkHeader } from './check-header.js';
import { checkIndex } from './check-index.js';
import { checkRegisteredMeters } from './check-parameters.js';
import { checkPageEntry } from './check-page.js';
import { checkDirectPrices, checkPriceRow, sealedPrice } from './check-price.js';
import { checkConsumptionRow } from './check-row.js';
import { chainSeal, checkSeal, consumptionSealContent, followingSealContent, type SealContent } from './check-seal.js';
import { atPlace, type IntervalContext } from './interval-context.js';
import { checkHeaderSignature } from './service-provider-signature.js';
import { type Depth, type FaultCollector, type IntervalFileSource, requireFile } from './interval-files.js';

/** The seals of an interval as its files claim them; the next interval must chain to them. */
export type IntervalSeals = { readonly consumption: Seal } & { readonly [kind in LedgerKind]?: Seal };

/** Trusted inputs of the verifier. */
export interface IntervalTrust {
  /** A list that `verifyParametersList` accepted. */
  readonly parameters: readonly SignedParameters[];
  /** Seals of the interval before; `first` when there is none; `unknown` when the verifier begins in the middle. */
  readonly previous: IntervalSeals | 'first' | 'unknown';
  /** Digest of the epoch's relay directory, to compare with the one that the consumption seal binds. */
  readonly directoryDigest?: Uint8Array;
  /** The epoch's consumer list, in price mode `direct`: its digest, as the pricing seal binds it, and its length. */
  readonly consumers?: { readonly digest: Uint8Array; readonly count: number };
}

/** What an audit takes as true, and how much it reads. */
export interface AuditTrust extends IntervalTrust {
  readonly depth: Depth;
}

/** What an auditor reads, compares with and writes to. */
interface AuditInput {
  readonly files: IntervalFileSource;
  readonly trust: AuditTrust;
  readonly collector: FaultCollector;
}

/** One ledger after the other; every method records its own faults. */
export class IntervalAuditor {
  readonly #crypto: Crypto;
  readonly #context: IntervalContext;
  readonly #files: IntervalFileSource;
  readonly #trust: AuditTrust;
  readonly #collector: FaultCollector;
  /** The bytes of `consumption.rows`, with which the bills are compared. */
  #consumed: Uint8Array | undefined;

  constructor(crypto: Crypto, context: IntervalContext, { files, trust, collector }: AuditInput) {
    this.#crypto = crypto;
    this.#context = context;
    this.#files = files;
    this.#trust = trust;
    this.#collector = collector;
  }

  /** @returns rows per category, or undefined when the index is not right */
  consumption(sealed: SealedLedger): number[] | undefined {
    const crypto = this.#crypto;
    const { header, seal } = sealed;
    const headerIsRight = this.#collector.passes(SEALS_FILE, () => checkHeader(header, this.#context));
    // Registry, directory and index are taken from CC's seal; what is known of them is compared afterwards.
    const content = consumptionSealContent(crypto, this.#context, header, seal);
    const sealIsRight = this.#sealPasses(sealed, content);
    if (!headerIsRight || !sealIsRight) {
      return undefined;
    }
    this.#collector.passes(SEALS_FILE, () => {
      const { parameters } = this.#trust;
      checkRegisteredMeters(seal.registeredMeters, parametersOfEpoch(parameters, this.#context.registryEpoch));
    });
    this.#compareDirectory(seal, this.#trust.directoryDigest);
    const { categoriesMilliWattHours } = this.#context.parameters;
    const index = this.#collector.attempt(INDEX_FILE, () => {
      const bytes = requireFile(this.#files, INDEX_FILE, header.count * INDEX_ENTRY_LENGTH);
      if (!equalBytes(indexDigest(crypto, bytes), seal.indexDigest)) {
        throw new ProtocolError('INDEX_MISMATCH', 'index is not the one that the seal binds');
      }
      return { bytes, rowsPerCategory: checkIndex(bytes, header, categoriesMilliWattHours) };
    });
    if (this.#trust.depth === 'index') {
      return index?.rowsPerCategory;
    }
    this.#consumed = this.#file('consumption', sealed);
    if (this.#consumed === undefined || !this.#pagesPass('consumption', this.#consumed, header)) {
      return index?.rowsPerCategory;
    }
    this.#eachPage('consumption', this.#consumed, (page, p) => {
      splitRows(page).forEach((row, i) => {
        atPlace(`row ${i}`, () => this.#consumptionRow(row));
      });
      const start = p * ROWS_PER_PAGE * INDEX_ENTRY_LENGTH;
      const ofPage = encodeIndex(page, categoriesMilliWattHours);
      this.#collector.passes(INDEX_FILE, () => {
        if (index !== undefined && !equalBytes(ofPage, index.bytes.subarray(start, start + ofPage.length))) {
          throw new ProtocolError('INDEX_MISMATCH', `index is not the one of the rows of page ${p}`);
        }
      });
    });
    return index?.rowsPerCategory;
  }

  pricing(sealed: ProvidedLedger, consumption: Seal): void {
    const isDirect = this.#context.parameters.priceMode === 'direct';
    const { consumers } = this.#trust;
    // The digest of the list is taken from the seal, as that of the relay directory.
    if (!this.#followingSeal(sealed, consumption, isDirect ? sealed.seal.directoryDigest : undefined)) {
      return;
    }
    this.#compareDirectory(sealed.seal, isDirect ? consumers?.digest : undefined);
    if (isDirect) {
      this.#collector.passes(SEALS_FILE, () => {
        if (consumers !== undefined) {
          checkPriceCount(sealed.header, consumers.count);
        }
        checkDirectPrices(sealed.header, this.#context, consumption);
      });
      if (this.#trust.depth === 'index') {
        return;
      }
    }
    const rows = this.#file('pricing', sealed);
    if (rows === undefined || !this.#pagesPass('pricing', rows, sealed.header)) {
      return;
    }
    const signatures = isDirect && this.#trust.depth === 'light' ? 'skip' : 'verify';
    splitRows(rows).forEach((row, i) => {
      this.#collector.passes(ROWS_FILE.pricing, () =>
        atPlace(`row ${i}`, () => checkPriceRow(this.#crypto, row, this.#context, consumption, signatures)),
      );
    });
  }

  billing(sealed: ProvidedLedger, consumption: SealedLedger, pricing: Seal): void {
    if (!this.#followingSeal(sealed, pricing)) {
      return;
    }
    const price = this.#collector.attempt(SEALS_FILE, () => {
      const due = sealedPrice(this.#context, consumption.seal);
      checkBillHeader(sealed.header, consumption.header, due);
      return due;
    });
    if (this.#trust.depth === 'index' || price === undefined) {
      return;
    }
    const bills = this.#file('billing', sealed);
    const consumed = this.#consumed;
    const passed = bills !== undefined && this.#pagesPass('billing', bills, sealed.header);
    if (!passed || consumed === undefined || consumed.length !== bills.length) {
      return;
    }
    const consumptionPages = splitPages(consumed);
    const signatures = this.#trust.depth === 'full' ? 'verify' : 'skip';
    this.#eachPage('billing', bills, (page, p) =>
      checkBillPage(this.#crypto, page, consumptionPages[p]!, price, this.#context, signatures),
    );
  }

  #consumptionRow(row: Uint8Array): void {
    checkConsumptionRow(row, this.#context);
    if (this.#trust.depth === 'full' && !verifyRowSignature(this.#crypto, row)) {
      throw new ProtocolError('BAD_SIGNATURE', 'signature of the row is not valid');
    }
  }

  /** Header and seal of pricing or billing. @returns whether both are right, so that the rows can be compared */
  #followingSeal(sealed: ProvidedLedger, basis: Seal, consumersDigest?: Uint8Array): boolean {
    const headerIsRight = this.#collector.passes(SEALS_FILE, () => checkHeader(sealed.header, this.#context));
    this.#collector.passes(SEALS_FILE, () => {
      checkHeaderSignature(this.#crypto, sealed, this.#context, basis);
    });
    const content = followingSealContent(this.#crypto, this.#context, { signed: sealed, basis, consumersDigest });
    const sealIsRight = this.#sealPasses(sealed, content);
    return headerIsRight && sealIsRight;
  }

  /**
   * Compares a seal with what it must say and with the seal before.
   *
   * @returns whether it is right but for its place in the chain: then CC has signed the header, and with it the length of
   *   every file. Files of other seals are not read, because anyone can make those as large as the format allows.
   */
  #sealPasses(sealed: SealedLedger, content: SealContent): boolean {
    const { seal } = sealed;
    const isRight = this.#collector.passes(SEALS_FILE, () =>
      checkSeal(this.#crypto, sealed, content, 'unknown', this.#context),
    );
    this.#collector.passes(SEALS_FILE, () => {
      const previous = this.#previous(seal.kind);
      if (previous === 'unknown') {
        return;
      }
      const chained = chainSeal(this.#crypto, content, previous, this.#context);
      if (!equalBytes(chained.previous, seal.previous)) {
        throw new ProtocolError('SEAL_CHAIN', 'seal has another previous');
      }
    });
    return isRight;
  }

  /** Compares the epoch's document that a seal binds with the published one, if that is known. */
  #compareDirectory(seal: Seal, digest: Uint8Array | undefined): void {
    this.#collector.passes(SEALS_FILE, () => {
      if (digest !== undefined && !equalBytes(digest, seal.directoryDigest)) {
        throw new ProtocolError('SEAL_MISMATCH', 'seal has another directoryDigest');
      }
    });
  }

  /** The rows of a ledger when they are as many as in the header. */
  #file(kind: LedgerKind, { header }: SealedLedger): Uint8Array | undefined {
    const file = ROWS_FILE[kind];
    return this.#collector.attempt(file, () => requireFile(this.#files, file, header.count * ROW_LENGTH));
  }

  /** @returns whether the pages of a ledger are those of its header */
  #pagesPass(kind: LedgerKind, rows: Uint8Array, header: Header): boolean {
    return this.#eachPage(kind, rows, (page, p) => checkPageEntry(this.#crypto, page, header.pages[p]!));
  }

  /** Runs a check on every page of a file. @returns whether all passed */
  #eachPage(kind: LedgerKind, rows: Uint8Array, check: (page: Uint8Array, p: number) => void): boolean {
    const passed = splitPages(rows).map((page, p) =>
      this.#collector.passes(ROWS_FILE[kind], () => {
        atPlace(`page ${p}`, () => check(page, p));
      }),
    );
    return !passed.includes(false);
  }

  #previous(kind: LedgerKind): Seal | undefined | 'unknown' {
    const { previous } = this.#trust;
    if (previous === 'unknown') {
      return 'unknown';
    }
    if (previous === 'first') {
      return undefined;
    }
    const seal = previous[kind];
    if (seal === undefined) {
      throw new ProtocolError('SEAL_CHAIN', `the interval before has no ${kind} seal`);
    }
    return seal;
  }
}
