// SPDX-License-Identifier: Apache-2.0
import { ledger } from '@hyperledger/fabric-protos';
import { getOrMake } from '../../../protocol/get-or-make.js';
import { message } from '../message.js';
import type { Version } from './version.js';

const { rwset } = ledger;
const { kvrwset } = rwset;

/** A key that was read, with the version seen; undefined if there was none. */
export interface StateRead {
  readonly key: string;
  readonly version: Version | undefined;
}

/** A key to be written; undefined deletes it. */
export interface StateWrite {
  readonly key: string;
  readonly value: Uint8Array | undefined;
}

/** A range query as far as the chaincode read it: the same query must give the same keys and versions at commit. */
export interface RangeRead {
  readonly startKey: string;
  /** The query's end if it was read to the end, otherwise the last key read. */
  endKey: string;
  exhausted: boolean;
  readonly reads: { readonly key: string; readonly version: Version }[];
}

/** Reads and writes of a transaction in one chaincode's namespace. */
export interface NamespaceReadWriteSet {
  readonly namespace: string;
  readonly reads: readonly StateRead[];
  readonly ranges: readonly RangeRead[];
  readonly writes: readonly StateWrite[];
}

interface Namespace {
  readonly reads: Map<string, Version | undefined>;
  readonly writes: Map<string, Uint8Array | undefined>;
  readonly ranges: RangeRead[];
}

/** Collects reads and writes of one simulation. */
export class ReadWriteSetBuilder {
  readonly #namespaces = new Map<string, Namespace>();

  addRead(namespace: string, key: string, version: Version | undefined): void {
    this.#namespace(namespace).reads.set(key, version);
  }

  addWrite(namespace: string, key: string, value: Uint8Array | undefined): void {
    this.#namespace(namespace).writes.set(key, value);
  }

  /** The range may grow until {@link encode}. */
  addRange(namespace: string, range: RangeRead): void {
    this.#namespace(namespace).ranges.push(range);
  }

  namespaces(): string[] {
    return [...this.#namespaces.keys()];
  }

  /** rwset.TxReadWriteSet with namespaces and keys in the order of their UTF-8 bytes, so that equal sets are equal bytes. */
  encode(): Uint8Array {
    const nsRwsetList = sorted([...this.#namespaces], ([name]) => name).map(([namespace, content]) =>
      message(rwset.NsReadWriteSet, { namespace, rwset: encodeNamespace(content) }),
    );
    const dataModel = rwset.TxReadWriteSet.DataModel.KV;
    return message(rwset.TxReadWriteSet, { dataModel, nsRwsetList }).serializeBinary();
  }

  #namespace(name: string): Namespace {
    return getOrMake(this.#namespaces, name, () => ({ reads: new Map(), writes: new Map(), ranges: [] }));
  }
}

/** @throws Error if the bytes are no read/write set */
export function decodeReadWriteSet(bytes: Uint8Array): NamespaceReadWriteSet[] {
  return rwset.TxReadWriteSet.deserializeBinary(bytes)
    .getNsRwsetList()
    .map((namespace) => {
      const content = kvrwset.KVRWSet.deserializeBinary(namespace.getRwset_asU8());
      return {
        namespace: namespace.getNamespace(),
        reads: content.getReadsList().map((read) => ({ key: read.getKey(), version: versionOf(read) })),
        ranges: content.getRangeQueriesInfoList().map((query) => ({
          startKey: query.getStartKey(),
          endKey: query.getEndKey(),
          exhausted: query.getItrExhausted(),
          reads: (query.getRawReads()?.getKvReadsList() ?? []).map((read) => ({
            key: read.getKey(),
            version: versionOf(read) ?? { block: 0, transaction: 0 },
          })),
        })),
        writes: content
          .getWritesList()
          .map((write) => ({ key: write.getKey(), value: write.getIsDelete() ? undefined : write.getValue_asU8() })),
      };
    });
}

/** Compares by UTF-8 bytes. JavaScript's `<` differs from U+E000 on, which would break composite-key ranges. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function encodeNamespace({ reads, writes, ranges }: Namespace): Uint8Array {
  const readsList = sorted([...reads], ([key]) => key).map(([key, version]) => encodeRead(key, version));
  // A query of which nothing was read constrains nothing.
  const constraining = ranges.filter(({ exhausted, reads: seen }) => exhausted || seen.length > 0);
  const writesList = sorted([...writes], ([key]) => key).map(([key, value]) =>
    message(kvrwset.KVWrite, { key, isDelete: value === undefined, value: value ?? '' }),
  );
  const rangeQueriesInfoList = constraining.map(encodeRange);
  return message(kvrwset.KVRWSet, { readsList, rangeQueriesInfoList, writesList }).serializeBinary();
}

function encodeRead(key: string, version: Version | undefined): ledger.rwset.kvrwset.KVRead {
  const fields = version && { blockNum: version.block, txNum: version.transaction };
  return message(kvrwset.KVRead, { key, version: fields && message(kvrwset.Version, fields) });
}

/** Fabric hashes the reads of long ranges into a Merkle summary to save space; its raw form is as valid, and is used here. */
function encodeRange({ startKey, endKey, exhausted, reads }: RangeRead): ledger.rwset.kvrwset.RangeQueryInfo {
  const kvReadsList = reads.map(({ key, version }) => encodeRead(key, version));
  const rawReads = message(kvrwset.QueryReads, { kvReadsList });
  return message(kvrwset.RangeQueryInfo, { startKey, endKey, itrExhausted: exhausted, rawReads });
}

function versionOf(read: ledger.rwset.kvrwset.KVRead): Version | undefined {
  const version = read.getVersion();
  return version && { block: version.getBlockNum(), transaction: version.getTxNum() };
}

function sorted<T>(items: T[], key: (item: T) => string): T[] {
  return items.sort((a, b) => compareKeys(key(a), key(b)));
}
