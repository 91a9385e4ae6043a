// SPDX-License-Identifier: Apache-2.0
import { concatBytes, readUint16, writeUint16 } from '../../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../../protocol/crypto/sodium.js';
import type { PseudonymScheme } from '../../../protocol/identity/pseudonym-scheme.js';

/**
 * Maximum distance of a message from the last one that arrived. A meter that was cut off for a day of half-hours has
 * used at most 48 × 18 indices, and each restart skips one reserved block; a packet beyond 4,096 would only cost the
 * control center time (6 ms at that distance).
 */
export const MAXIMUM_FORWARD_JUMP = 4_096;

/**
 * Pseudonym chain of one meter in an epoch, as the control center knows it: at a base, which moves only when an
 * interval is frozen, and at every message accepted since, because repeats and late rows of an open interval are behind
 * the newest one.
 */
export class PseudonymChain {
  /** A_{e,k} by k; for k = 0 it is ID_i. */
  readonly #known = new Map<number, Uint8Array>();
  #newest: number;

  #base: number;

  constructor(base: number, pseudonym: Uint8Array) {
    this.#base = base;

    this.#known.set(base, pseudonym);
    this.#newest = base;
  }

  /** Creates a chain without any used pseudonym. @param identity ID_i */
  static start(identity: Uint8Array): PseudonymChain {
    return new PseudonymChain(0, identity);
  }

  /** A_{e,k} of an accepted message that is not behind the base. */
  taken(k: number): Uint8Array | undefined {
    return k > this.#base ? this.#known.get(k) : undefined;
  }

  /**
   * The pseudonym before message k, derived from the nearest known one.
   *
   * @returns undefined when k is behind the base or too far ahead
   */
  previous(scheme: PseudonymScheme, linkKey: Uint8Array, k: number): Uint8Array | undefined {
    if (k <= this.#base || k > this.#newest + MAXIMUM_FORWARD_JUMP) {
      return undefined;
    }
    let nearest = k - 1;
    while (!this.#known.has(nearest)) {
      nearest--;
    }
    return scheme.advance(sodiumCrypto, linkKey, this.#known.get(nearest)!, k - 1 - nearest);
  }

  /** Records that message k was accepted. */
  take(k: number, pseudonym: Uint8Array): void {
    this.#known.set(k, pseudonym);
    this.#newest = Math.max(this.#newest, k);
  }

  /** Moves the base to the accepted message k; messages before it are forgotten. */
  moveBase(k: number): void {
    if (k <= this.#base) {
      return;
    }
    this.#base = k;
    for (const known of [...this.#known.keys()]) {
      if (known < k) {
        this.#known.delete(known);
      }
    }
  }

  /** k 2 ‖ A_{e,k} 32 of the base. */
  toBytes(): Uint8Array {
    const prefix = new Uint8Array(2);
    writeUint16(prefix, 0, this.#base);
    return concatBytes(prefix, this.#known.get(this.#base)!);
  }

  static fromBytes(bytes: Uint8Array): PseudonymChain {
    return new PseudonymChain(readUint16(bytes, 0), bytes.slice(2));
  }
}

/** The chains of all meters, by epoch. */
export class Chains {
  readonly #epochs = new Map<number, Map<number, PseudonymChain>>();

  /** A meter's chain, created if there is none. @param identity ID_i */
  of(epoch: number, meterNumber: number, identity: Uint8Array): PseudonymChain {
    const chain = this.#epochs.get(epoch)?.get(meterNumber) ?? PseudonymChain.start(identity);
    this.put(epoch, meterNumber, chain);
    return chain;
  }

  /** Restores a chain after a restart. */
  put(epoch: number, meterNumber: number, chain: PseudonymChain): void {
    const chains = this.#epochs.get(epoch) ?? new Map<number, PseudonymChain>();
    this.#epochs.set(epoch, chains.set(meterNumber, chain));
  }

  /** Forgets an epoch that is settled. */
  forget(epoch: number): void {
    this.#epochs.delete(epoch);
  }
}
