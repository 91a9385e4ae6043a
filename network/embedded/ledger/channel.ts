// SPDX-License-Identifier: Apache-2.0
import { EventEmitter, once } from 'node:events';
import { setImmediate as breathe } from 'node:timers/promises';
import { common, peer } from '@hyperledger/fabric-protos';
import { EmbeddedLedgerError } from '../errors.js';
import type { SigningIdentity } from '../identity/signing-identity.js';
import { BlockCutter, type BatchLimits } from './block-cutter.js';
import { commitHashOf, completeBlock, headerHash, newBlock } from './block.js';
import { commitHash } from './commit-hash.js';
import type { Database, TransactionStatus } from './database.js';
import { checkTransaction, type ValidationRules } from './transaction-check.js';
import { BlockUpdates } from './mvcc.js';
import type { ValidationCode } from './transaction.js';

const { DUPLICATE_TXID, VALID } = peer.TxValidationCode;

/** Number of transactions validated in one turn of the event loop, so that endorsing continues meanwhile. */
const TRANSACTIONS_PER_TURN = 16;

/** Parts that a channel is made from. */
export interface ChannelOptions {
  readonly database: Database;
  readonly rules: ValidationRules;
  readonly orderer: SigningIdentity;
  readonly limits: BatchLimits;
  /** Called if a block cannot be stored: nothing after it may be acknowledged. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * One channel's chain: orders envelopes into blocks, validates and commits them one after the other, and notifies
 * listeners.
 */
export class Channel {
  readonly name: string;
  readonly #options: ChannelOptions;
  readonly #cutter: BlockCutter;
  #height: number;
  #tipHash: Uint8Array;
  #commitHash: Uint8Array;
  #committing: Promise<void> = Promise.resolve();
  #stopped = false;
  /** Emits `block`, and for each transaction of the block {@link committed} with its status. */
  readonly #commits = new EventEmitter().setMaxListeners(0);

  private constructor(name: string, lastBlock: common.Block, options: ChannelOptions) {
    this.name = name;
    this.#options = options;
    this.#height = lastBlock.getHeader()!.getNumber() + 1;
    this.#tipHash = headerHash(lastBlock.getHeader()!);
    this.#commitHash = commitHashOf(lastBlock);
    this.#cutter = new BlockCutter(options.limits, (batch) => this.#enqueue(batch));
  }

  /**
   * Continues a stored channel.
   * @throws EmbeddedLedgerError `NOT_FOUND`, `DATA_CORRUPT`
   */
  static async open(name: string, options: ChannelOptions): Promise<Channel> {
    const bytes = await options.database.lastBlock(name);
    if (bytes === undefined) {
      throw new EmbeddedLedgerError('NOT_FOUND', `there is no channel ${name}`);
    }
    try {
      return new Channel(name, common.Block.deserializeBinary(bytes), options);
    } catch (cause) {
      throw new EmbeddedLedgerError('DATA_CORRUPT', `the last block of channel ${name} cannot be read`, { cause });
    }
  }

  /** Stores block 0 and opens the channel. */
  static async create(name: string, configuration: Uint8Array, options: ChannelOptions): Promise<Channel> {
    const block = newBlock(0, new Uint8Array(), [configuration], options.orderer);
    completeBlock(block, Uint8Array.of(VALID), new Uint8Array());
    await options.database.commit({
      channel: name,
      number: 0,
      block: block.serializeBinary(),
      transactions: new Map(),
      writes: [],
    });
    return Channel.open(name, options);
  }

  /** Number of blocks. */
  get height(): number {
    return this.#height;
  }

  /** Hash of the last block's header. */
  get tipHash(): Uint8Array {
    return this.#tipHash;
  }

  get rules(): ValidationRules {
    return this.#options.rules;
  }

  /** Takes an envelope whose sender was found to be a writer. Until its block is committed, a crash forgets it. */
  order(envelope: Uint8Array): void {
    this.#cutter.order(envelope);
  }

  block(number: number): common.Block | undefined {
    const bytes = this.#options.database.block(this.name, number);
    return bytes && common.Block.deserializeBinary(bytes);
  }

  status(transactionId: string): TransactionStatus | undefined {
    return this.#options.database.transaction(this.name, transactionId);
  }

  /** Blocks from `number` on, as they come, until the signal aborts. */
  async *blocksFrom(number: number, signal: AbortSignal): AsyncGenerator<common.Block, void, void> {
    for (let next = number; ; next++) {
      while (next >= this.#height && !signal.aborted) {
        await once(this.#commits, 'block', { signal }).catch(ignoreAbort);
      }
      if (signal.aborted) {
        return;
      }
      yield this.block(next)!;
    }
  }

  /** The transaction's status, as soon as there is one; undefined if the signal aborts before. */
  async waitForTransaction(id: string, signal: AbortSignal): Promise<TransactionStatus | undefined> {
    const known = this.status(id);
    if (known !== undefined || signal.aborted) {
      return known;
    }
    const [status] = ((await once(this.#commits, committed(id), { signal }).catch(ignoreAbort)) ?? []) as [
      TransactionStatus?,
    ];
    return status;
  }

  /** Finishes the block at hand; envelopes not yet in one are dropped, as when an orderer stops. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cutter.stop();
    await this.#committing;
  }

  #enqueue(batch: Uint8Array[]): void {
    this.#committing = this.#committing.then(async () => {
      if (this.#stopped) {
        return;
      }
      try {
        await this.#commit(batch);
      } catch (error) {
        this.#stopped = true;
        this.#options.onFailure(error);
      }
    });
  }

  async #commit(envelopes: readonly Uint8Array[]): Promise<void> {
    const { database, orderer } = this.#options;
    const number = this.#height;
    const block = newBlock(number, this.#tipHash, envelopes, orderer);
    const updates = new BlockUpdates(database, this.name);
    const codes = new Uint8Array(envelopes.length);
    const transactions = new Map<string, TransactionStatus>();
    for (const [index, envelope] of envelopes.entries()) {
      if (index % TRANSACTIONS_PER_TURN === TRANSACTIONS_PER_TURN - 1) {
        await breathe();
      }
      const { id, code } = await this.#validate(envelope, index, updates, transactions);
      codes[index] = code;
      if (id !== undefined) {
        transactions.set(id, { block: number, transaction: index, code });
      }
    }
    const writes = updates.sorted();
    const hash = commitHash(codes, writes, this.#commitHash);
    completeBlock(block, codes, hash);
    await database.commit({ channel: this.name, number, block: block.serializeBinary(), transactions, writes });
    this.#tipHash = headerHash(block.getHeader()!);
    this.#commitHash = hash;
    this.#height = number + 1;
    for (const [id, status] of transactions) {
      this.#commits.emit(committed(id), status);
    }
    this.#commits.emit('block');
  }

  async #validate(
    envelope: Uint8Array,
    index: number,
    updates: BlockUpdates,
    earlier: ReadonlyMap<string, TransactionStatus>,
  ): Promise<{ id: string | undefined; code: ValidationCode }> {
    const { transactionId: id, code, readWriteSets } = checkTransaction(envelope, this.rules);
    if (id !== undefined && earlier.has(id)) {
      return { id: undefined, code: DUPLICATE_TXID };
    }
    if (code !== VALID) {
      return { id, code };
    }
    return { id, code: await updates.apply(readWriteSets, { block: this.#height, transaction: index }) };
  }
}

/** Event of one transaction; a client chooses the id. */
function committed(id: string): string {
  return `committed ${id}`;
}

function ignoreAbort(error: unknown): undefined {
  if ((error as Error).name !== 'AbortError') {
    throw error;
  }
}
