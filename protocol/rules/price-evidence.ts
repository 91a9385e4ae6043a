// SPDX-License-Identifier: Apache-2.0
import { equalBytes, toHex } from '../crypto/bytes.js';
import { type Crypto, DIGEST_LENGTH, SIGNATURE_LENGTH } from '../crypto/crypto.js';
import { merklePath, merkleRootFromPath } from '../crypto/merkle.js';
import { ProtocolError } from '../errors.js';
import {
  decodeSealsFile,
  type ProvidedLedger,
  providedLedgerFromJson,
  providedLedgerToJson,
  ROWS_FILE,
  SEALS_FILE,
} from '../ledger/bulletin.js';
import {
  encodeCanonical,
  type JsonValue,
  parseCanonical,
  readArray,
  readHex,
  readInteger,
  readObject,
} from '../ledger/canonical-json.js';
import type { LedgerId } from '../ledger/ledger-id.js';
import {
  MAXIMUM_PAGES,
  MAXIMUM_PARAMETER_VERSIONS,
  MAXIMUM_PARAMETERS_FILE_BYTES,
  MAXIMUM_SEAL_BYTES,
  ROWS_PER_PAGE,
} from '../ledger/limits.js';
import { splitPages, splitRows } from '../ledger/page.js';
import type { SignedParameters } from '../ledger/parameters.js';
import type { Successor } from '../ledger/successor.js';
import { parametersFor, successorFor } from '../schedule/versions.js';
import { signedParametersFromJson, signedParametersToJson } from '../ledger/parameters-json.js';
import { ROW_LENGTH, ROW_TYPE, rowValue } from '../ledger/row.js';
import { type Seal, sealFromJson, sealToJson, type SignedSeal, verifySealSignature } from '../ledger/seal.js';
import { MAXIMUM_SIGNED_HEADER_BYTES } from '../ledger/signed-header.js';
import { verifyParametersList } from './check-parameters.js';
import { sealedPrice } from './check-price.js';
import { checkSeal, followingSealContent } from './check-seal.js';
import { checkRowFrame, contextIn, type IntervalContext, intervalContext } from './interval-context.js';
import { type IntervalFileSource, requireFile } from './interval-files.js';
import { checkHeaderSignature, checkServiceProviderSignature } from './service-provider-signature.js';

/** Siblings between a row and the root of its page: ⌈log2 500⌉. */
const MAXIMUM_PATH = 9;

/** Whatever the length of the list of parameters, a header, two seals and two rows with their paths. */
export const MAXIMUM_EVIDENCE_BYTES =
  MAXIMUM_PARAMETERS_FILE_BYTES + MAXIMUM_SIGNED_HEADER_BYTES + 2 * MAXIMUM_SEAL_BYTES + 4_096;

/**
 * Evidence for third parties that the service provider signed a wrong price, complete in itself: a header that it
 * signed for this very seal of consumption, the control center's seal that made the header final, and one of its rows
 * with a price that the tariff does not give, or two with different ones.
 */
export interface PriceEvidence {
  /** All versions of the parameters up to the one in force: they lead from CC's first key to SP's. */
  readonly parameters: readonly SignedParameters[];
  /** CC's consumption seal of the interval. */
  readonly consumption: SignedSeal;
  /** SP's signed header of the interval's prices, with CC's seal. */
  readonly pricing: ProvidedLedger;
  /** One price row of the header, or two with different prices. */
  readonly rows: readonly PlacedRow[];
}

/** A row with the proof that it is in a page of a header. */
export interface PlacedRow {
  /** Number of the page, from 0. */
  readonly page: number;
  /** Number of the row in its page, from 0. */
  readonly place: number;
  /** 177 bytes. */
  readonly row: Uint8Array;
  /** Siblings from the row upwards to the page's root. */
  readonly path: readonly Uint8Array[];
}

/** Content of evidence whose signatures are valid. */
export interface PriceFinding {
  /** Fingerprint of the control center's key that was trusted. */
  readonly trusted: string;
  readonly ledgerId: LedgerId;
  /** The price that the tariff gives for the sealed total, nano-currency per kWh. */
  readonly due: bigint;
  /** The prices that the service provider signed. */
  readonly signed: readonly bigint[];
  /** The successor that has signed them; undefined when it was the service provider of the parameters. */
  readonly successor: Successor | undefined;
  /** Whether one of them is not the due one. */
  readonly isProven: boolean;
}

/**
 * The evidence in the files of an interval: two rows with different prices, or a row with a wrong one. What it returns
 * {@link checkPriceEvidence} proves; the files need not be right otherwise.
 *
 * @param parameters a list that `verifyParametersList` accepted
 * @returns undefined when every row carries the price of the tariff, or the files do not prove that SP signed another
 * @throws ProtocolError when the files cannot be read
 */
export function findPriceEvidence(
  crypto: Crypto,
  parameters: readonly SignedParameters[],
  files: IntervalFileSource,
): PriceEvidence | undefined {
  const { consumption, pricing } = decodeSealsFile(requireFile(files, SEALS_FILE));
  if (pricing === undefined) {
    return undefined;
  }
  const { startSeconds } = consumption.seal.ledgerId;
  const inForce = parametersFor(parameters, startSeconds);
  const due = sealedPrice(intervalContext(crypto, inForce, startSeconds), consumption.seal);
  const pages = splitPages(requireFile(files, ROWS_FILE.pricing)).map(splitRows);
  const wrong = findRow(crypto, pages, (price) => price !== due);
  if (wrong === undefined) {
    return undefined;
  }
  const other = findRow(crypto, pages, (price) => price !== rowValue(wrong.row));
  const evidence: PriceEvidence = {
    parameters: parameters.slice(0, inForce.version),
    consumption: { seal: consumption.seal, signature: consumption.signature },
    pricing,
    rows: other === undefined ? [wrong] : [wrong, other],
  };
  return isProof(crypto, evidence) ? evidence : undefined;
}

/**
 * Judges evidence from nothing but itself and, if known, the fingerprint of the control center's first key.
 *
 * @param trustedFingerprint hex SHA-256; undefined trusts the key that is found
 * @throws ProtocolError as `verifyParametersList`; `MALFORMED` for no row, more than two, or two with one price;
 *   `NOT_EFFECTIVE`, `WRONG_LEDGER`, `SEAL_MISMATCH` when a seal is of another interval or basis, or not under the last
 *   version of the list; `PAGE_MISMATCH` when a row is not the header's; `BAD_SIGNATURE`, `WRONG_KEY`, `WRONG_TYPE`,
 *   `WRONG_TIME` when a row, header or seal is not what it claims to be
 */
export function checkPriceEvidence(
  crypto: Crypto,
  { parameters, consumption, pricing, rows }: PriceEvidence,
  trustedFingerprint?: string,
): PriceFinding {
  const trusted = verifyParametersList(crypto, parameters, trustedFingerprint);
  const signed = rows.map(({ row }) => rowValue(row));
  if (rows.length < 1 || rows.length > 2 || signed[0] === signed[1]) {
    throw new ProtocolError('MALFORMED', 'evidence has one row, or two with different prices');
  }
  const { ledgerId } = consumption.seal;
  // The list ends with the version in force, so that a version that is missing or came later changes nothing.
  const context = contextOf(crypto, parameters, ledgerId.startSeconds);
  checkConsumptionSeal(crypto, consumption, context);
  checkHeaderSignature(crypto, pricing, context, consumption.seal);
  checkPricingSeal(crypto, pricing, context, consumption.seal);
  for (const placed of rows) {
    checkRowFrame(placed.row, ROW_TYPE.price, context);
    checkServiceProviderSignature(crypto, placed.row, context);
    checkPlace(crypto, placed, pricing);
  }
  const due = sealedPrice(context, consumption.seal);
  const successor = successorFor(parameters, 'pricing', ledgerId.startSeconds);
  return { trusted, ledgerId, due, signed, successor, isProven: signed.some((price) => price !== due) };
}

/** The interval under the last version of the list, so that a list that ends too late is not read as a shorter one. */
function contextOf(crypto: Crypto, list: readonly SignedParameters[], startSeconds: number): IntervalContext {
  const context = contextIn(crypto, list, startSeconds);
  if (context.parameters.version !== list.length) {
    throw new ProtocolError('NOT_EFFECTIVE', 'the last version of the list is not yet effective in this interval');
  }
  return context;
}

/** Canonical JSON `{"consumption":{…},"parameters":[…],"pricing":{…},"rows":[{"page":…,"path":[…],"place":…,"row":"…"}]}`. */
export function encodePriceEvidence({ parameters, consumption, pricing, rows }: PriceEvidence): Uint8Array {
  return encodeCanonical({
    consumption: { seal: sealToJson(consumption.seal), signature: toHex(consumption.signature) },
    parameters: parameters.map(signedParametersToJson),
    pricing: providedLedgerToJson(pricing),
    rows: rows.map(({ page, place, row, path }) => ({ page, place, row: toHex(row), path: path.map(toHex) })),
  });
}

/** @throws ProtocolError as `parseCanonical` and the readers */
export function decodePriceEvidence(bytes: Uint8Array): PriceEvidence {
  const fields = readObject(parseCanonical(bytes, MAXIMUM_EVIDENCE_BYTES), [
    'consumption',
    'parameters',
    'pricing',
    'rows',
  ]);
  const consumption = readObject(fields.consumption, ['seal', 'signature']);
  return {
    consumption: { seal: sealFromJson(consumption.seal), signature: readHex(consumption.signature, SIGNATURE_LENGTH) },
    parameters: readArray(fields.parameters, MAXIMUM_PARAMETER_VERSIONS, signedParametersFromJson),
    pricing: providedLedgerFromJson(fields.pricing, 'pricing'),
    rows: readArray(fields.rows, 2, placedRowFromJson),
  };
}

function placedRowFromJson(value: JsonValue): PlacedRow {
  const fields = readObject(value, ['page', 'path', 'place', 'row']);
  return {
    page: readInteger(fields.page, 0, MAXIMUM_PAGES - 1),
    place: readInteger(fields.place, 0, ROWS_PER_PAGE - 1),
    row: readHex(fields.row, ROW_LENGTH),
    path: readArray(fields.path, MAXIMUM_PATH, (sibling) => readHex(sibling, DIGEST_LENGTH)),
  };
}

/** The first row whose price is wanted, with its proof. */
function findRow(
  crypto: Crypto,
  pages: readonly (readonly Uint8Array[])[],
  isWanted: (price: bigint) => boolean,
): PlacedRow | undefined {
  for (const [page, rows] of pages.entries()) {
    const place = rows.findIndex((row) => isWanted(rowValue(row)));
    if (place >= 0) {
      return { page, place, row: rows[place]!, path: merklePath(crypto, rows, place) };
    }
  }
  return undefined;
}

function isProof(crypto: Crypto, evidence: PriceEvidence): boolean {
  try {
    return checkPriceEvidence(crypto, evidence).isProven;
  } catch (error) {
    if (error instanceof ProtocolError) {
      return false;
    }
    throw error;
  }
}

/** What a consumption seal says of its interval, and CC's signature; its rows are not part of the evidence. */
function checkConsumptionSeal(crypto: Crypto, signed: SignedSeal, context: IntervalContext): void {
  const { seal } = signed;
  if (seal.kind !== 'consumption' || seal.ledgerId.region !== context.ledgerId.region) {
    throw new ProtocolError('WRONG_LEDGER', 'seal is not of a consumption ledger of the region');
  }
  if (
    seal.parametersVersion !== context.parameters.version ||
    !equalBytes(seal.parametersDigest, context.parametersDigest)
  ) {
    throw new ProtocolError('SEAL_MISMATCH', 'the list of parameters does not end with the version of the seal');
  }
  verifySealSignature(crypto, signed, context.parameters.controlCenter.signaturePublicKey);
}

/** CC made this header of prices final, on this seal of consumption. */
function checkPricingSeal(crypto: Crypto, pricing: ProvidedLedger, context: IntervalContext, basis: Seal): void {
  const consumersDigest = pricing.seal.directoryDigest;
  const content = followingSealContent(crypto, context, { signed: pricing, basis, consumersDigest });
  checkSeal(crypto, pricing, context, { content, previous: 'unknown' });
}

function checkPlace(crypto: Crypto, { page, place, row, path }: PlacedRow, { header }: ProvidedLedger): void {
  const entry = header.pages[page];
  if (
    entry === undefined ||
    !equalBytes(merkleRootFromPath(crypto, { leaf: row, index: place, treeSize: entry.count, path }), entry.root)
  ) {
    throw new ProtocolError('PAGE_MISMATCH', 'row is not in the page that the header announces');
  }
}
