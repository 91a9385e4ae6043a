// SPDX-License-Identifier: Apache-2.0
import { ClassicLevel, type Snapshot } from 'classic-level';
import { EmbeddedLedgerError } from '../errors.js';
import type { Version } from './version.js';

/** First byte of every key: what the entry is. */
const KIND = { chaincode: 1, block: 2, transaction: 3, state: 4 } as const;

const BLOCK_NUMBER_BYTES = 8;
const VERSION_BYTES = 12;
/** Ends channel and namespace names within a key; neither can contain it. */
const SEPARATOR = 0x00;

/** A value with the place where it was written. */
export interface StateEntry {
  readonly value: Uint8Array;
  readonly version: Version;
}

/** A key with its value. */
export interface StateRecord extends StateEntry {
  readonly key: string;
}

/** A committed transaction's place and Fabric's TxValidationCode. */
export interface TransactionStatus extends Version {
  readonly code: number;
}

/** Everything that one block changes. */
export interface BlockCommit {
  readonly channel: string;
  readonly number: number;
  readonly block: Uint8Array;
  /** By transaction id, transactions whose id counts: not duplicates. */
  readonly transactions: ReadonlyMap<string, TransactionStatus>;
  readonly writes: readonly {
    readonly namespace: string;
    readonly key: string;
    readonly entry: StateEntry | undefined;
  }[];
}

type Operation = { type: 'put'; key: Buffer; value: Buffer } | { type: 'del'; key: Buffer };

/**
 * Blocks, transaction index and world state of all channels in one LevelDB. One block is one synced batch, so after a
 * kill −9 it is there with all it changed, or not at all. Keys order by UTF-8 bytes, as Fabric's do.
 */
export class Database {
  readonly #level: ClassicLevel<Buffer, Buffer>;

  private constructor(level: ClassicLevel<Buffer, Buffer>) {
    this.#level = level;
  }

  /** @throws EmbeddedLedgerError `ALREADY_RUNNING` if another process has it open. */
  static async open(path: string): Promise<Database> {
    const level = new ClassicLevel<Buffer, Buffer>(path, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
    });
    try {
      await level.open();
    } catch (cause) {
      const locked = (cause as { cause?: { code?: string } }).cause?.code === 'LEVEL_LOCKED';
      const code = locked ? 'ALREADY_RUNNING' : 'DATA_CORRUPT';
      throw new EmbeddedLedgerError(code, `the ledger in ${path} cannot be opened`, { cause });
    }
    return new Database(level);
  }

  close(): Promise<void> {
    return this.#level.close();
  }

  /** A consistent snapshot of the state, until it is closed. */
  snapshot(): Snapshot {
    return this.#level.snapshot();
  }

  state(channel: string, namespace: string, key: string, snapshot?: Snapshot): StateEntry | undefined {
    const bytes = this.#level.getSync(stateKey(channel, namespace, key), snapshot ? { snapshot } : {});
    return bytes && decodeEntry(bytes);
  }

  /** Records from `start` (included) to `end` (excluded); an empty `end` is the end of the namespace. */
  async *stateRange(
    channel: string,
    namespace: string,
    { start, end }: { readonly start: string; readonly end: string },
    snapshot?: Snapshot,
  ): AsyncGenerator<StateRecord, void, void> {
    const prefix = stateKey(channel, namespace, '');
    const iterator = this.#level.iterator({
      gte: stateKey(channel, namespace, start),
      lt: end === '' ? after(prefix) : stateKey(channel, namespace, end),
      ...(snapshot && { snapshot }),
    });
    try {
      for await (const [key, bytes] of iterator) {
        yield { key: key.toString('utf8', prefix.length), ...decodeEntry(bytes) };
      }
    } finally {
      await iterator.close();
    }
  }

  block(channel: string, number: number): Uint8Array | undefined {
    return this.#level.getSync(blockKey(channel, number));
  }

  /** The channel's newest block; undefined for a channel that does not exist. */
  async lastBlock(channel: string): Promise<Uint8Array | undefined> {
    const prefix = joinKey(KIND.block, channel, '');
    const [last] = await this.#level.values({ gte: prefix, lt: after(prefix), reverse: true, limit: 1 }).all();
    return last;
  }

  transaction(channel: string, id: string): TransactionStatus | undefined {
    const bytes = this.#level.getSync(joinKey(KIND.transaction, channel, id));
    return bytes && { ...decodeVersion(bytes), code: bytes[VERSION_BYTES]! };
  }

  /** Writes a block with all it changes, durably, or nothing. */
  async commit(commit: BlockCommit): Promise<void> {
    const { channel } = commit;
    const operations: Operation[] = [
      { type: 'put', key: blockKey(channel, commit.number), value: asBuffer(commit.block) },
    ];
    for (const [id, status] of commit.transactions) {
      const value = Buffer.concat([encodeVersion(status), Uint8Array.of(status.code)]);
      operations.push({ type: 'put', key: joinKey(KIND.transaction, channel, id), value });
    }
    for (const { namespace, key, entry } of commit.writes) {
      const at = stateKey(channel, namespace, key);
      operations.push(
        entry === undefined
          ? { type: 'del', key: at }
          : { type: 'put', key: at, value: Buffer.concat([encodeVersion(entry.version), entry.value]) },
      );
    }
    await this.#level.batch(operations, { sync: true });
  }

  /** Stores a chaincode definition. */
  async putChaincode(channel: string, name: string, definition: string): Promise<void> {
    await this.#level.put(joinKey(KIND.chaincode, channel, name), Buffer.from(definition), { sync: true });
  }

  /** All chaincode definitions. */
  async chaincodes(): Promise<string[]> {
    const prefix = Buffer.of(KIND.chaincode);
    const values = await this.#level.values({ gte: prefix, lt: after(prefix) }).all();
    return values.map((value) => value.toString());
  }
}

function joinKey(kind: number, channel: string, rest: string): Buffer {
  return Buffer.concat([Uint8Array.of(kind), Buffer.from(channel), Uint8Array.of(SEPARATOR), Buffer.from(rest)]);
}

function blockKey(channel: string, number: number): Buffer {
  const suffix = Buffer.alloc(BLOCK_NUMBER_BYTES);
  suffix.writeBigUInt64BE(BigInt(number));
  return Buffer.concat([joinKey(KIND.block, channel, ''), suffix]);
}

function stateKey(channel: string, namespace: string, key: string): Buffer {
  return joinKey(KIND.state, channel, `${namespace}\0${key}`);
}

/** The first key behind all that begin with `prefix`. */
function after(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1]!++; // a kind or a separator, never 0xff
  return end;
}

function encodeVersion({ block, transaction }: Version): Buffer {
  const bytes = Buffer.alloc(VERSION_BYTES);
  bytes.writeBigUInt64BE(BigInt(block));
  bytes.writeUInt32BE(transaction, BLOCK_NUMBER_BYTES);
  return bytes;
}

function decodeVersion(bytes: Buffer): Version {
  return { block: Number(bytes.readBigUInt64BE()), transaction: bytes.readUInt32BE(BLOCK_NUMBER_BYTES) };
}

function decodeEntry(bytes: Buffer): StateEntry {
  return { version: decodeVersion(bytes), value: bytes.subarray(VERSION_BYTES) };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
