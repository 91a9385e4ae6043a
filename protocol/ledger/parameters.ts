// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../crypto/bytes.js';
import type { Crypto } from '../crypto/crypto.js';
import type { IdentityMode } from '../identity/pseudonym-scheme.js';
import { DAY_SECONDS } from '../schedule/intervals.js';
import { slotsPerInterval } from '../schedule/slots.js';
import type { Tariff } from '../tariff/tariff.js';
import type { ServiceProviderParameters } from './service-provider.js';
import type { Successors } from './successor.js';

/**
 * Publication of prices: `ledger` is one row for all (the paper's Table 2), which the contract checks; `direct` is
 * one row for each consumer (Table 4), which the contract only keeps.
 */
export const PRICE_MODES = ['ledger', 'direct'] as const;
export type PriceMode = (typeof PRICE_MODES)[number];

/** Parameters of the onion tier; PROTOCOL.md explains each field. */
export interface OnionParameters {
  readonly layers: number;
  readonly meanDelayMilliseconds: number;
  /** A delay above this many means is drawn again. */
  readonly maximumDelayMeans: number;
  readonly offsetWindowSeconds: number;
}

/** The control center's public names. */
export interface ControlCenterParameters {
  readonly mspId: string;
  /** pk_CC, X25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** sigPk_CC, Ed25519, 32 bytes. */
  readonly signaturePublicKey: Uint8Array;
}

/** One immutable version of what a region's ledgers are checked against. */
export interface Parameters {
  /** 1, 2, 3 … */
  readonly version: number;
  readonly region: string;
  /** Start of the first interval under this version, Unix seconds. */
  readonly effectiveFromSeconds: number;
  /** L. */
  readonly intervalSeconds: number;
  readonly slotSeconds: number;
  /** Wait between the end of the reporting window and the close. */
  readonly graceSeconds: number;
  readonly epochOriginSeconds: number;
  readonly epochSeconds: number;
  /** Five, ascending, whole Wh. */
  readonly categoriesMilliWattHours: readonly bigint[];
  /**
   * The strongest connection that a meter of the region may have, W; without it, what the rows of a window can hold, see
   * {@link maximumConnectionWatts}.
   */
  readonly maximumConnectionWatts?: number | undefined;
  /** k of k-anonymity. */
  readonly kAnonymity: number;
  readonly rowsPerPage: number;
  /** Row places in a packet to CC. */
  readonly rowsPerPacket: number;
  readonly registryDepth: number;
  readonly identityMode: IdentityMode;
  readonly priceMode: PriceMode;
  readonly onion: OnionParameters;
  readonly tariff: Tariff;
  /** SP's signature under the tariff for this region, 64 bytes. */
  readonly tariffSignature: Uint8Array;
  readonly controlCenter: ControlCenterParameters;
  readonly serviceProvider: ServiceProviderParameters;
  /**
   * Time for which intervals must have gone without a price or without bills before a successor can take the service
   * provider's place; without it, two weeks, see {@link successorAfterSeconds}.
   */
  readonly successorAfterSeconds?: number | undefined;
  /** A seeded run: daemons refuse it. */
  readonly demo: boolean;
  /** Digest of version − 1; zeros in version 1. */
  readonly previous: Uint8Array;
}

/** A version with CC's signature, 64 bytes: version 1 by its own key, later ones by the key of the version before. */
export interface SignedParameters {
  readonly parameters: Parameters;
  readonly signature: Uint8Array;
  /** In `parameters.json` and in evidence, where the version's service provider was replaced; not signed with it. */
  readonly successors?: Successors;
}

/** Least time without prices or bills before a successor can be named, s: that of the parameters, or two weeks. */
export function successorAfterSeconds(parameters: Parameters): number {
  return parameters.successorAfterSeconds ?? 14 * DAY_SECONDS;
}

/** The SHA-256 of CC's signature key in hex: what people compare and pin. */
export function fingerprint(crypto: Crypto, signaturePublicKey: Uint8Array): string {
  return toHex(crypto.sha256(signaturePublicKey));
}

/** The power whose energy in an interval fits into the rows of a meter and window, W: places × top category over L. */
export function rowWatts(parameters: Parameters): number {
  const top = parameters.categoriesMilliWattHours.at(-1)!;
  return Number(
    (BigInt(maximumRowsPerMeter(parameters)) * top * 3_600n) / (1_000n * BigInt(parameters.intervalSeconds)),
  );
}

/** The strongest connection of a meter that the parameters allow, W. */
export function maximumConnectionWatts(parameters: Parameters): number {
  return parameters.maximumConnectionWatts ?? rowWatts(parameters);
}

/**
 * The most energy that a meter may report in one window, mWh: that of its connection over an interval. A stronger
 * connection than the parameters allow counts as the strongest that they do.
 */
export function connectionMilliWattHours(parameters: Parameters, connectionLimitWatts: number): bigint {
  const watts = Math.min(connectionLimitWatts, maximumConnectionWatts(parameters));
  return (BigInt(watts) * 1_000n * BigInt(parameters.intervalSeconds)) / 3_600n;
}

/** Rows a meter may send in one reporting window: slots × places. */
export function maximumRowsPerMeter(parameters: Parameters): number {
  return slotsPerInterval(parameters) * parameters.rowsPerPacket;
}
