// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { ledger, peer } from '@hyperledger/fabric-protos';
import type { StateRecord } from '../ledger/database.js';
import type { OpenQuery, RunningInvocation } from './invocation.js';

/** Records per message between peer and chaincode; Fabric's number. */
const MAXIMUM_BATCH = 100;
/** Records of one query or page; Fabric's core.yaml, `totalQueryLimit`. */
const TOTAL_QUERY_LIMIT = 100_000;

/** Opens a range query and answers with its first batch, or with its only page. */
export async function openRange(request: peer.GetStateByRange, invocation: RunningInvocation): Promise<Uint8Array> {
  const { pageSize, bookmark } = paging(request);
  const start = bookmark === '' ? request.getStartkey() : bookmark;
  const { simulator, namespace, queries } = invocation;
  const cursor = simulator.openRange(namespace, start, request.getEndkey(), Math.min(pageSize, TOTAL_QUERY_LIMIT));
  const id = randomUUID();
  const query: OpenQuery = { cursor, ahead: undefined };
  queries.set(id, query);
  return answer(id, query, invocation);
}

/** @throws Error if the query is not open */
export async function continueRange(id: string, invocation: RunningInvocation): Promise<Uint8Array> {
  const query = invocation.queries.get(id);
  if (query === undefined) {
    throw new Error('query iterator not found');
  }
  return answer(id, query, invocation);
}

/** Succeeds on a query that is closed or unknown too: the shim closes what it has read to the end. */
export async function closeRange(id: string, { queries }: RunningInvocation): Promise<Uint8Array> {
  await queries.get(id)?.cursor.close();
  queries.delete(id);
  return response(id, [], false).serializeBinary();
}

/** Reads a batch, and one record more to tell whether more follow. */
async function answer(id: string, query: OpenQuery, { namespace, queries }: RunningInvocation): Promise<Uint8Array> {
  const { cursor } = query;
  const limit = cursor.paginated ? TOTAL_QUERY_LIMIT : MAXIMUM_BATCH;
  const batch: Uint8Array[] = [];
  let record = query.ahead ?? (await cursor.next());
  while (record !== undefined && batch.length < limit) {
    batch.push(encodeRecord(namespace, record));
    record = await cursor.next();
  }
  query.ahead = record;
  const result = response(id, batch, record !== undefined);
  if (record === undefined) {
    queries.delete(id);
    await cursor.close();
  }
  if (cursor.paginated) {
    const metadata = new peer.QueryResponseMetadata();
    metadata.setFetchedRecordsCount(batch.length);
    metadata.setBookmark(cursor.bookmark);
    result.setMetadata(metadata.serializeBinary());
  }
  return result.serializeBinary();
}

function paging(request: peer.GetStateByRange): { pageSize: number; bookmark: string } {
  const bytes = request.getMetadata_asU8();
  if (bytes.length === 0) {
    return { pageSize: 0, bookmark: '' };
  }
  const metadata = peer.QueryMetadata.deserializeBinary(bytes);
  return { pageSize: Math.max(0, metadata.getPagesize()), bookmark: metadata.getBookmark() };
}

function encodeRecord(namespace: string, { key, value }: StateRecord): Uint8Array {
  const record = new ledger.queryresult.KV();
  record.setNamespace(namespace);
  record.setKey(key);
  record.setValue(value);
  return record.serializeBinary();
}

function response(id: string, batch: readonly Uint8Array[], hasMore: boolean): peer.QueryResponse {
  const result = new peer.QueryResponse();
  result.setId(id);
  result.setHasMore(hasMore);
  for (const bytes of batch) {
    const entry = new peer.QueryResultBytes();
    entry.setResultbytes(bytes);
    result.addResults(entry);
  }
  return result;
}
