// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { ledger, peer } from '@hyperledger/fabric-protos';
import { message } from '../message.js';
import type { OpenQuery, RunningInvocation } from './invocation.js';

/** Records per message between peer and chaincode; Fabric's number. */
const MAXIMUM_BATCH = 100;

/**
 * Opens a range query and answers with its first batch.
 * @throws Error if a page is asked for
 */
export async function openRange(request: peer.GetStateByRange, invocation: RunningInvocation): Promise<Uint8Array> {
  if (request.getMetadata_asU8().length > 0) {
    throw new Error('paginated queries are not supported by the development ledger');
  }
  const { simulator, namespace, queries } = invocation;
  const cursor = simulator.openRange(namespace, request.getStartkey(), request.getEndkey());
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
  return response(id, [], false);
}

/** Reads a batch, and one record more to tell whether more follow. */
async function answer(id: string, query: OpenQuery, { namespace, queries }: RunningInvocation): Promise<Uint8Array> {
  const { cursor } = query;
  const batch: Uint8Array[] = [];
  let record = query.ahead ?? (await cursor.next());
  while (record !== undefined && batch.length < MAXIMUM_BATCH) {
    const { key, value } = record;
    batch.push(message(ledger.queryresult.KV, { namespace, key, value }).serializeBinary());
    record = await cursor.next();
  }
  query.ahead = record;
  if (record === undefined) {
    queries.delete(id);
    await cursor.close();
  }
  return response(id, batch, record !== undefined);
}

function response(id: string, batch: readonly Uint8Array[], hasMore: boolean): Uint8Array {
  const resultsList = batch.map((resultbytes) => message(peer.QueryResultBytes, { resultbytes }));
  return message(peer.QueryResponse, { id, hasMore, resultsList }).serializeBinary();
}
