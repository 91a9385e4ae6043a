// SPDX-License-Identifier: Apache-2.0

/** Limits at which a block is cut. The names are those of Fabric's BatchSize. */
export interface BatchLimits {
  readonly maxMessageCount: number;
  readonly preferredMaxBytes: number;
  /** From the first transaction of a block to its cut, in milliseconds. */
  readonly batchTimeoutMilliseconds: number;
}

/** Collects ordered envelopes and hands them out as batches, each to become a block, by the rules of Fabric's cutter. */
export class BlockCutter {
  readonly #limits: BatchLimits;
  readonly #emit: (batch: Uint8Array[]) => void;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param emit gets each batch, in order. */
  constructor(limits: BatchLimits, emit: (batch: Uint8Array[]) => void) {
    this.#limits = limits;
    this.#emit = emit;
  }

  /** Takes the next envelope. One larger than `preferredMaxBytes` gets a block for itself. */
  order(envelope: Uint8Array): void {
    if (this.#pendingBytes + envelope.length > this.#limits.preferredMaxBytes) {
      this.cut();
    }
    this.#pending.push(envelope);
    this.#pendingBytes += envelope.length;
    if (this.#pending.length >= this.#limits.maxMessageCount || this.#pendingBytes > this.#limits.preferredMaxBytes) {
      this.cut();
      return;
    }
    this.#timer ??= setTimeout(() => this.cut(), this.#limits.batchTimeoutMilliseconds);
  }

  /** Hands out what is pending. */
  cut(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pending.length > 0) {
      const batch = this.#pending;
      this.#pending = [];
      this.#pendingBytes = 0;
      this.#emit(batch);
    }
  }

  /** Forgets what is pending, as a stopped orderer does. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#pending = [];
  }
}
