// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../crypto/bytes.js';
import { type Crypto, DIGEST_LENGTH } from '../crypto/crypto.js';
import { MAXIMUM_EPOCH } from '../crypto/ggm.js';
import { digest } from '../crypto/hash.js';
import {
  encodeCanonical,
  type JsonValue,
  parseCanonical,
  readAmount,
  readArray,
  readHex,
  readInteger,
  readObject,
  readOneOf,
} from './canonical-json.js';
import { type LedgerId, ledgerIdFromJson, ledgerIdToJson } from './ledger-id.js';
import {
  CATEGORY_COUNT,
  MAXIMUM_HEADER_BYTES,
  MAXIMUM_PAGES,
  MAXIMUM_PARAMETER_VERSIONS,
  MAXIMUM_ROWS,
  ROWS_PER_PAGE,
} from './limits.js';
import { type HistogramEntry, histogramTotal, mergeHistograms, type PageEntry, pageEntry, splitPages } from './page.js';
import { LEDGER_KINDS, type LedgerKind, PSEUDONYM_LENGTH } from './row.js';

/** Committed before any page of its interval, so that nothing under k is ever published. */
export interface Header {
  readonly kind: LedgerKind;
  readonly ledgerId: LedgerId;
  readonly parametersVersion: number;
  readonly registryEpoch: number;
  /** Rows. */
  readonly count: number;
  /** Sum of the rows' values: mWh, nano-currency per kWh, or nano-currency. */
  readonly total: bigint;
  /** Ascending by value. */
  readonly histogram: readonly HistogramEntry[];
  /** In order; none when no row could be published. */
  readonly pages: readonly PageEntry[];
}

/**
 * Builds the header of sorted rows.
 *
 * @param rows all rows of the interval, ascending by pseudonym, concatenated
 * @throws ProtocolError as {@link splitPages} and {@link pageEntry}
 */
export function buildHeader(
  crypto: Crypto,
  about: Pick<Header, 'kind' | 'ledgerId' | 'parametersVersion' | 'registryEpoch'>,
  rows: Uint8Array,
): Header {
  const pages = splitPages(rows).map((page) => pageEntry(crypto, page));
  const histogram = mergeHistograms(pages.map((page) => page.histogram));
  return {
    kind: about.kind,
    ledgerId: about.ledgerId,
    parametersVersion: about.parametersVersion,
    registryEpoch: about.registryEpoch,
    count: pages.reduce((count, page) => count + page.count, 0),
    total: histogramTotal(histogram),
    histogram,
    pages,
  };
}

/** Canonical JSON of a header. */
export function encodeHeader(header: Header): Uint8Array {
  return encodeCanonical(headerToJson(header));
}

/** Reads a header; whether its parts agree is for `rules/check-header`. @throws ProtocolError as `parseCanonical` and the readers */
export function decodeHeader(bytes: Uint8Array): Header {
  return headerFromJson(parseCanonical(bytes, MAXIMUM_HEADER_BYTES));
}

/** Digest of a header, which its seal binds: SHA-256(prefix('header') ‖ canonical bytes). */
export function headerDigest(crypto: Crypto, header: Header): Uint8Array {
  return digest(crypto, 'header', encodeHeader(header));
}

/** A header as JSON. */
export function headerToJson(header: Header): JsonValue {
  return {
    kind: header.kind,
    ledgerId: ledgerIdToJson(header.ledgerId),
    parametersVersion: header.parametersVersion,
    registryEpoch: header.registryEpoch,
    count: header.count,
    total: header.total.toString(),
    histogram: histogramToJson(header.histogram),
    pages: header.pages.map((page) => ({
      first: toHex(page.first),
      last: toHex(page.last),
      count: page.count,
      sum: page.sum.toString(),
      histogram: histogramToJson(page.histogram),
      root: toHex(page.root),
    })),
  };
}

/** Reads a header from JSON. @throws ProtocolError `MALFORMED`, `LIMIT_EXCEEDED` */
export function headerFromJson(value: JsonValue): Header {
  const fields = readObject(value, [
    'kind',
    'ledgerId',
    'parametersVersion',
    'registryEpoch',
    'count',
    'total',
    'histogram',
    'pages',
  ]);
  return {
    kind: readOneOf(fields.kind, LEDGER_KINDS),
    ledgerId: ledgerIdFromJson(fields.ledgerId),
    parametersVersion: readInteger(fields.parametersVersion, 1, MAXIMUM_PARAMETER_VERSIONS),
    registryEpoch: readInteger(fields.registryEpoch, 0, MAXIMUM_EPOCH),
    count: readInteger(fields.count, 0, MAXIMUM_ROWS),
    total: readAmount(fields.total),
    histogram: histogramFromJson(fields.histogram),
    pages: readArray(fields.pages, MAXIMUM_PAGES, pageEntryFromJson),
  };
}

function pageEntryFromJson(value: JsonValue): PageEntry {
  const fields = readObject(value, ['first', 'last', 'count', 'sum', 'histogram', 'root']);
  return {
    first: readHex(fields.first, PSEUDONYM_LENGTH),
    last: readHex(fields.last, PSEUDONYM_LENGTH),
    count: readInteger(fields.count, 1, ROWS_PER_PAGE),
    sum: readAmount(fields.sum),
    histogram: histogramFromJson(fields.histogram),
    root: readHex(fields.root, DIGEST_LENGTH),
  };
}

/** A histogram as JSON. */
export function histogramToJson(histogram: readonly HistogramEntry[]): JsonValue {
  return histogram.map(({ value, count }) => ({ value: value.toString(), count }));
}

/** Reads a histogram from JSON: no ledger has more than one value per category. @throws ProtocolError `MALFORMED`, `LIMIT_EXCEEDED` */
export function histogramFromJson(value: JsonValue): HistogramEntry[] {
  return readArray(value, CATEGORY_COUNT, (item) => {
    const fields = readObject(item, ['value', 'count']);
    return { value: readAmount(fields.value), count: readInteger(fields.count, 1, MAXIMUM_ROWS) };
  });
}
