// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../crypto/bytes.js';
import { type Crypto, SIGNATURE_LENGTH } from '../crypto/crypto.js';
import { ProtocolError } from '../errors.js';
import { decodeSealsFile, ROWS_FILE, SEALS_FILE } from '../ledger/bulletin.js';
import { encodeCanonical, parseCanonical, readArray, readHex, readObject } from '../ledger/canonical-json.js';
import type { LedgerId } from '../ledger/ledger-id.js';
import { MAXIMUM_PARAMETER_VERSIONS, MAXIMUM_PARAMETERS_FILE_BYTES, MAXIMUM_SEAL_BYTES } from '../ledger/limits.js';
import { splitRows } from '../ledger/page.js';
import type { SignedParameters } from '../ledger/parameters.js';
import { parametersFor } from '../schedule/versions.js';
import { signedParametersFromJson, signedParametersToJson } from '../ledger/parameters-json.js';
import { ROW_LENGTH, ROW_TYPE, rowValue } from '../ledger/row.js';
import { sealFromJson, sealToJson, type SignedSeal, verifySealSignature } from '../ledger/seal.js';
import { verifyParametersList } from './check-parameters.js';
import { sealedPrice } from './check-price.js';
import { checkRowFrame, intervalContext } from './interval-context.js';
import { type IntervalFileSource, requireFile } from './interval-files.js';
import { checkServiceProviderSignature } from './service-provider-signature.js';

/** Whatever the length of the list of parameters, two rows and a seal. */
export const MAXIMUM_EVIDENCE_BYTES = MAXIMUM_PARAMETERS_FILE_BYTES + MAXIMUM_SEAL_BYTES + 4 * ROW_LENGTH + 200;

/**
 * Evidence for third parties that the service provider signed a wrong price: two of its rows for one interval that
 * differ, or one row and the sealed total from which the tariff gives another price. It is complete in itself.
 */
export interface PriceEvidence {
  /** All versions of the parameters up to the one in force: they lead from CC's first key to SP's. */
  readonly parameters: readonly SignedParameters[];
  /** CC's consumption seal of the interval. */
  readonly consumption: SignedSeal;
  /** One or two price rows of the interval, 177 bytes each. */
  readonly rows: readonly Uint8Array[];
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
  /** Whether they differ from each other or from the due one. */
  readonly isProven: boolean;
}

/**
 * The evidence in the files of an interval: two rows with different prices, or a row with a wrong one. The files need
 * not be right otherwise; {@link checkPriceEvidence} says what the evidence is worth.
 *
 * @param parameters a list that `verifyParametersList` accepted
 * @returns undefined when every row carries the price of the tariff
 * @throws ProtocolError when the files cannot be read
 */
export function findPriceEvidence(
  crypto: Crypto,
  parameters: readonly SignedParameters[],
  files: IntervalFileSource,
): PriceEvidence | undefined {
  const { seal, signature } = decodeSealsFile(requireFile(files, SEALS_FILE)).consumption;
  const { startSeconds } = seal.ledgerId;
  const inForce = parametersFor(parameters, startSeconds);
  const due = sealedPrice(intervalContext(crypto, inForce, startSeconds), seal);
  const rows = splitRows(requireFile(files, ROWS_FILE.pricing));
  const wrong = rows.find((row) => rowValue(row) !== due);
  if (wrong === undefined) {
    return undefined;
  }
  const other = rows.find((row) => rowValue(row) !== rowValue(wrong));
  return {
    parameters: parameters.slice(0, inForce.version),
    consumption: { seal, signature },
    rows: other === undefined ? [wrong] : [wrong, other],
  };
}

/**
 * Judges evidence from nothing but itself and, if known, the fingerprint of the control center's first key.
 *
 * @param trustedFingerprint hex SHA-256; undefined trusts the key that is found
 * @throws ProtocolError as `verifyParametersList`; `BAD_SIGNATURE`, `WRONG_KEY`, `WRONG_TYPE`, `WRONG_LEDGER`,
 *   `WRONG_TIME` when a row or the seal is not what it claims to be
 */
export function checkPriceEvidence(
  crypto: Crypto,
  { parameters, consumption, rows }: PriceEvidence,
  trustedFingerprint?: string,
): PriceFinding {
  const trusted = verifyParametersList(crypto, parameters, trustedFingerprint);
  const { ledgerId, kind } = consumption.seal;
  const inForce = parametersFor(parameters, ledgerId.startSeconds);
  if (kind !== 'consumption' || ledgerId.region !== inForce.region) {
    throw new ProtocolError('WRONG_LEDGER', 'seal is not of a consumption ledger of the region');
  }
  verifySealSignature(crypto, consumption, inForce.controlCenter.signaturePublicKey);
  const context = intervalContext(crypto, inForce, ledgerId.startSeconds);
  for (const row of rows) {
    checkRowFrame(row, ROW_TYPE.price, context);
    checkServiceProviderSignature(crypto, row, context);
  }
  const due = sealedPrice(context, consumption.seal);
  const signed = rows.map(rowValue);
  return { trusted, ledgerId, due, signed, isProven: signed.some((price) => price !== due) };
}

/** Canonical JSON `{"consumption":{"seal":…,"signature":…},"parameters":[…],"rows":["…"]}`. */
export function encodePriceEvidence({ parameters, consumption, rows }: PriceEvidence): Uint8Array {
  return encodeCanonical({
    consumption: { seal: sealToJson(consumption.seal), signature: toHex(consumption.signature) },
    parameters: parameters.map(signedParametersToJson),
    rows: rows.map(toHex),
  });
}

/** @throws ProtocolError as `parseCanonical` and the readers */
export function decodePriceEvidence(bytes: Uint8Array): PriceEvidence {
  const fields = readObject(parseCanonical(bytes, MAXIMUM_EVIDENCE_BYTES), ['consumption', 'parameters', 'rows']);
  const consumption = readObject(fields.consumption, ['seal', 'signature']);
  return {
    consumption: { seal: sealFromJson(consumption.seal), signature: readHex(consumption.signature, SIGNATURE_LENGTH) },
    parameters: readArray(fields.parameters, MAXIMUM_PARAMETER_VERSIONS, signedParametersFromJson),
    rows: readArray(fields.rows, 2, (row) => readHex(row, ROW_LENGTH)),
  };
}
