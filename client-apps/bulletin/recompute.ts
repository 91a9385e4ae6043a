// SPDX-License-Identifier: Apache-2.0
import { fromHex, toHex } from '../../protocol/crypto/bytes.js';
import { KEY_LENGTH } from '../../protocol/crypto/crypto.js';
import { rowAt, splitRows } from '../../protocol/ledger/page.js';
import { rowPseudonym, rowSignaturePublicKey, rowValue } from '../../protocol/ledger/row.js';
import { billOf } from '../../protocol/tariff/bill.js';
import { priceOf } from '../../protocol/tariff/tariff.js';
import type { VerifiedInterval } from '../../protocol/rules/verify-interval.js';
import { ClientError } from '../runtime/errors.js';

/**
 * Handles by which a household finds its rows: A, or sigPk ("smart meter sends A, or sigPk_i, to its user"), in hex.
 * Which of the two does not matter: both are 32 bytes, and one is never the other.
 */
export type Handles = ReadonlySet<string>;

/** A household's own computation of one interval: the paper's Remark 5. */
export interface Recomputed {
  readonly region: string;
  readonly startSeconds: number;
  /** Handles that were found. */
  readonly found: readonly string[];
  readonly milliWattHours: bigint;
  /** The sum of all rows of the region, added up here. */
  readonly regionMilliWattHours: bigint;
  /** The tariff price for that sum, nano-currency per kWh. */
  readonly priceNanoPerKilowattHour: bigint;
  /** Σ p · c over the household's rows. */
  readonly billNanoCurrency: bigint;
  /** Σ B over the service provider's bills for them; undefined before they are sealed. */
  readonly billedNanoCurrency: bigint | undefined;
}

/**
 * Computes price and bill from the consumption rows, and adds up the service provider's bills for the same rows.
 *
 * @param interval whose seals and rows were verified
 * @param billing rows in the order of the consumption rows; undefined before they are sealed
 */
export function recompute(
  interval: VerifiedInterval,
  consumption: Uint8Array,
  billing: Uint8Array | undefined,
  handles: Handles,
): Recomputed {
  const { parameters, registeredMeters, ledgerId } = interval;
  const rows = splitRows(consumption);
  const regionMilliWattHours = rows.reduce((sum, row) => sum + rowValue(row), 0n);
  const price = priceOf(parameters.tariff, regionMilliWattHours, registeredMeters);
  const found: string[] = [];
  let [energy, bill, billed] = [0n, 0n, 0n];
  rows.forEach((row, index) => {
    const handle = [rowPseudonym(row), rowSignaturePublicKey(row)].map(toHex).find((name) => handles.has(name));
    if (handle === undefined) {
      return;
    }
    found.push(handle);
    energy += rowValue(row);
    bill += billOf(price, rowValue(row));
    if (billing !== undefined) {
      billed += rowValue(rowAt(billing, index));
    }
  });
  return {
    ...ledgerId,
    found,
    milliWattHours: energy,
    regionMilliWattHours,
    priceNanoPerKilowattHour: price,
    billNanoCurrency: bill,
    billedNanoCurrency: billing === undefined ? undefined : billed,
  };
}

/**
 * Parses handles, one per line: 64 hex digits. Empty lines are ignored.
 *
 * @throws ClientError WRONG_USE naming the line
 */
export function parseHandles(text: string): Set<string> {
  const handles = new Set<string>();
  text.split('\n').forEach((line, index) => {
    const handle = line.trim();
    if (handle === '') {
      return;
    }
    if (!/^[0-9a-f]+$/.test(handle) || handle.length !== 2 * KEY_LENGTH) {
      throw new ClientError('WRONG_USE', `handles, line ${index + 1}: expected ${2 * KEY_LENGTH} hex digits`);
    }
    handles.add(toHex(fromHex(handle)));
  });
  return handles;
}
