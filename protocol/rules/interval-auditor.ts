// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../crypto/bytes.js';
import type { Crypto } from '../crypto/crypto.js';
import { ProtocolError } from '../errors.js';
import { INDEX_FILE, type ProvidedLedger, ROWS_FILE, type SealedLedger, SEALS_FILE } from '../ledger/bulletin.js';
import { encodeIndex, indexDigest } from '../ledger/index-file.js';
import { countRows, splitPages, splitRows } from '../ledger/page.js';
import type { SignedParameters } from '../ledger/parameters.js';
import { type LedgerKind, verifyRowSignature } from '../ledger/row.js';
import type { Seal } from '../ledger/seal.js';
import { checkBillHeader, checkBillPage } from './check-bills.js';
import { checkPriceCount } from './check-consumers.js';
import { checkHeader } from './check-header.js';
import { checkIndex } from './check-index.js';
import { checkPageEntry } from './check-page.js';
import { checkDirectPrices, checkPriceRow, sealedPrice } from './check-price.js';
import { checkConsumptionRow } from './check-row.js';
import { checkSeal, consumptionSealContent, followingSealContent } from './check-seal.js';
import { atPlace, type IntervalContext } from './interval-context.js';
import { checkHeaderSignature } from './service-provider-signature.js';
import { type Depth, type FaultCollector, type IntervalFiles, requireFile } from './interval-files.js';

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

/** What is audited, and how much of it. */
export interface AuditInputs {
  readonly files: IntervalFiles;
  readonly trust: IntervalTrust;
  readonly depth: Depth;
  /** Takes the faults. */
  readonly collector: FaultCollector;
}

/** One ledger after the other; every method records its own faults. */
export class IntervalAuditor {
  readonly #crypto: Crypto;
  readonly #context: IntervalContext;
  readonly #files: IntervalFiles;
  readonly #trust: IntervalTrust;
  readonly #depth: Depth;
  readonly #collector: FaultCollector;

  constructor(crypto: Crypto, context: IntervalContext, { files, trust, depth, collector }: AuditInputs) {
    this.#crypto = crypto;
    this.#context = context;
    this.#files = files;
    this.#trust = trust;
    this.#depth = depth;
    this.#collector = collector;
  }

  /** @returns rows per category, or undefined when the index is not right */
  consumption(sealed: SealedLedger): number[] | undefined {
    const crypto = this.#crypto;
    const { header, seal } = sealed;
    const headerIsRight = this.#collector.passes(SEALS_FILE, () => checkHeader(header, this.#context));
    this.#collector.passes(SEALS_FILE, () => {
      // Registry and index have no other source in the bulletin: the first is taken from CC's seal, the second is
      // checked below.
      const binding = { ...seal, directoryDigest: this.#trust.directoryDigest ?? seal.directoryDigest };
      const content = consumptionSealContent(crypto, this.#context, header, binding);
      checkSeal(crypto, sealed, this.#context, { content, previous: this.#previous('consumption') });
    });
    if (!headerIsRight) {
      return undefined;
    }
    const { categoriesMilliWattHours } = this.#context.parameters;
    const rowsPerCategory = this.#collector.attempt(INDEX_FILE, () => {
      const index = requireFile(this.#files, INDEX_FILE);
      if (!equalBytes(indexDigest(crypto, index), seal.indexDigest)) {
        throw new ProtocolError('INDEX_MISMATCH', 'index is not the one that the seal binds');
      }
      return checkIndex(index, header, categoriesMilliWattHours);
    });
    if (this.#depth === 'index') {
      return rowsPerCategory;
    }
    const rows = this.#rows('consumption', sealed);
    if (rows === undefined) {
      return rowsPerCategory;
    }
    this.#eachPage('consumption', rows, (page) => {
      splitRows(page).forEach((row, i) => {
        atPlace(`row ${i}`, () => this.#consumptionRow(row));
      });
    });
    this.#collector.passes(INDEX_FILE, () => {
      if (!equalBytes(encodeIndex(rows, categoriesMilliWattHours), requireFile(this.#files, INDEX_FILE))) {
        throw new ProtocolError('INDEX_MISMATCH', 'index is not the one of the rows');
      }
    });
    return rowsPerCategory;
  }

  pricing(sealed: ProvidedLedger, consumption: Seal): void {
    const isDirect = this.#context.parameters.priceMode === 'direct';
    const { consumers } = this.#trust;
    // Without the list, the digest in the seal is trusted, as for the relay directory.
    const consumersDigest = isDirect ? (consumers?.digest ?? sealed.seal.directoryDigest) : undefined;
    if (!this.#followingSeal(sealed, consumption, consumersDigest)) {
      return;
    }
    if (isDirect) {
      this.#collector.passes(SEALS_FILE, () => {
        if (consumers !== undefined) {
          checkPriceCount(sealed.header, consumers.count);
        }
        checkDirectPrices(sealed.header, this.#context, consumption);
      });
      if (this.#depth === 'index') {
        return;
      }
    }
    const rows = this.#rows('pricing', sealed);
    if (rows === undefined) {
      return;
    }
    const signatures = isDirect && this.#depth === 'light' ? 'skip' : 'verify';
    splitRows(rows).forEach((row, i) => {
      this.#collector.passes(ROWS_FILE.pricing, () =>
        atPlace(`row ${i}`, () => checkPriceRow(this.#crypto, row, this.#context, { consumption, signatures })),
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
    if (this.#depth === 'index' || price === undefined) {
      return;
    }
    const bills = this.#rows('billing', sealed);
    const consumed = this.#files.get(ROWS_FILE.consumption);
    if (bills === undefined || consumed === undefined || consumed.length !== bills.length) {
      return;
    }
    const consumptionPages = splitPages(consumed);
    const signatures = this.#depth === 'full' ? 'verify' : 'skip';
    this.#eachPage('billing', bills, (page, p) =>
      checkBillPage(this.#crypto, page, this.#context, { consumption: consumptionPages[p]!, price, signatures }),
    );
  }

  #consumptionRow(row: Uint8Array): void {
    checkConsumptionRow(row, this.#context);
    if (this.#depth === 'full' && !verifyRowSignature(this.#crypto, row)) {
      throw new ProtocolError('BAD_SIGNATURE', 'signature of the row is not valid');
    }
  }

  /** Header and seal of pricing or billing. @returns whether the header is right, so that its pages can be compared */
  #followingSeal(sealed: ProvidedLedger, basis: Seal, consumersDigest?: Uint8Array): boolean {
    const { header, seal } = sealed;
    const headerIsRight = this.#collector.passes(SEALS_FILE, () => checkHeader(header, this.#context));
    this.#collector.passes(SEALS_FILE, () => {
      checkHeaderSignature(this.#crypto, sealed, this.#context, basis);
    });
    this.#collector.passes(SEALS_FILE, () => {
      const content = followingSealContent(this.#crypto, this.#context, { signed: sealed, basis, consumersDigest });
      checkSeal(this.#crypto, sealed, this.#context, { content, previous: this.#previous(seal.kind) });
    });
    return headerIsRight;
  }

  /** The rows of a ledger when their pages are those of the header. */
  #rows(kind: LedgerKind, { header }: SealedLedger): Uint8Array | undefined {
    const file = ROWS_FILE[kind];
    const rows = this.#collector.attempt(file, () => {
      const bytes = requireFile(this.#files, file);
      if (countRows(bytes) !== header.count) {
        throw new ProtocolError('PAGE_MISMATCH', 'file has another number of rows');
      }
      return bytes;
    });
    if (rows === undefined) {
      return undefined;
    }
    return this.#eachPage(kind, rows, (page, p) => checkPageEntry(this.#crypto, page, header.pages[p]!))
      ? rows
      : undefined;
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
