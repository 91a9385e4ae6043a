// SPDX-License-Identifier: Apache-2.0
import type { Handle } from '../../protocol/onion/hub-payload.js';

/** Keys of the meter's registry epoch. Those of earlier epochs are erased. */
export interface EpochKeys {
  readonly epoch: number;
  /** h_e, 32 bytes. */
  readonly linkKey: Uint8Array;
  /** N_e, 32 bytes. */
  readonly epochNode: Uint8Array;
  /** k of the next row, from 1. Every smaller k is used, whether or not its row was sent. */
  readonly nextK: number;
  /** A_{e,k-1}, and ID_i for k = 1; 32 bytes. */
  readonly previous: Uint8Array;
}

/** A row that is neither acknowledged nor returned to the carry. */
export interface RowInFlight {
  readonly k: number;
  /** A, 32 bytes. */
  readonly pseudonym: Uint8Array;
  /** Energy of its category. */
  readonly milliWattHours: bigint;
}

/** Rows of a ledger whose seal the meter has not read. */
export interface LedgerInFlight {
  /** s, Unix seconds. */
  readonly startSeconds: number;
  readonly epoch: number;
  readonly rows: readonly RowInFlight[];
}

/** The meter's account of its energy, in milliwatt hours: measured = acknowledged + carried + Σ rows in flight. */
export interface EnergyAccount {
  /** Energy read since enrolment. */
  readonly measured: bigint;
  /** Energy in rows of a sealed index. */
  readonly acknowledged: bigint;
  /** Energy in no row. */
  readonly carried: bigint;
  /** By ledger, ascending. */
  readonly ledgers: readonly LedgerInFlight[];
}

/** Persistent state of an enrolled meter. Values are replaced, never changed in place. */
export interface MeterState extends EnergyAccount {
  /** ID_i, 32 bytes. */
  readonly identity: Uint8Array;
  /** Its number in packet hints. */
  readonly meterNumber: number;
  /** First epoch in which it is registered. */
  readonly firstEpoch: number;
  /** Power of its connection, W: no more energy is split in a window. */
  readonly connectionLimitWatts: number;
  /** Fingerprint of the control center's first signature key, which anchors the bulletin; 32 bytes. */
  readonly trustAnchor: Uint8Array;
  /** Seed of the key of its links, 32 bytes, and the control center's certificate for that key, PEM. */
  readonly linkSeed: Uint8Array;
  readonly linkCertificate: string;
  /** The punctured tree, from which the keys of later epochs come. */
  readonly tree: Uint8Array;
  readonly keys: EpochKeys;
  /** Start of the first interval not yet read from the measuring part. */
  readonly nextMeasureSeconds: number;
  /** Start of the first interval whose consumption seal has not been read. */
  readonly nextSealSeconds: number;
  /** Digest of the last consumption seal read, 32 bytes; zeros before the first. */
  readonly previousSeal: Uint8Array;
  /** s of the last ledger for which energy was split. */
  readonly splitSeconds: number;
  /** Largest category of the next split, 0 to 4. */
  readonly capCategory: number;
  /** The newest handles of rows from before the present window, oldest first. */
  readonly handles: readonly Handle[];
}

/** An enrolment under way, with everything needed to repeat its request. {@link MeterState} replaces it. */
export interface PendingEnrolment {
  /** sk_i, 32 bytes. */
  readonly secretKey: Uint8Array;
  /** K_i, 32 bytes. */
  readonly meterKey: Uint8Array;
  /** Seed of the link key, 32 bytes. */
  readonly linkSeed: Uint8Array;
  /** The encoded request. */
  readonly request: Uint8Array;
}

/** Energy in rows that are in flight. */
export function inFlightMilliWattHours(account: EnergyAccount): bigint {
  let sum = 0n;
  for (const { rows } of account.ledgers) {
    for (const { milliWattHours } of rows) {
      sum += milliWattHours;
    }
  }
  return sum;
}
