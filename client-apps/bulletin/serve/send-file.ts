// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { withDeadline } from '../../runtime/deadline.js';
import type { FileVersion, ServedFiles } from './files.js';

/** Bytes read and sent at a time. */
const PART_LENGTH = 64 * 1024;
/** Time in which a client must receive a part: 8 KiB a second. */
export const PART_MILLISECONDS = 8_000;

const RANGE = /^bytes=(?:(\d{1,15})-(\d{1,15})?|-(\d{1,15}))$/;

/** First and last byte, both included. */
type Range = readonly [first: number, last: number];

/** Sends a file of the bulletin, all of it or one range (RFC 9110), unless the client has this version already. */
export async function sendFile(
  files: ServedFiles,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const version = await files.version(path);
  if (version === undefined) {
    refuse(response, 404, 'NOT_FOUND');
    return;
  }
  const { length, tag } = version;
  // Files that only grow are replaced; with the tag a client asks for little more than whether that has happened.
  response.setHeader('cache-control', 'no-cache');
  response.setHeader('etag', tag);
  response.setHeader('accept-ranges', 'bytes');
  response.setHeader('content-type', 'application/octet-stream');
  if (isKnown(request.headers['if-none-match'], tag)) {
    response.writeHead(304);
    response.end();
    return;
  }
  const range = rangeOf(request, version);
  if (range === undefined) {
    response.setHeader('content-range', `bytes */${length}`);
    refuse(response, 416, 'RANGE_NOT_SATISFIABLE');
    return;
  }
  const [first, last] = range;
  if (last - first + 1 < length) {
    response.statusCode = 206;
    response.setHeader('content-range', `bytes ${first}-${last}/${length}`);
  }
  response.setHeader('content-length', last - first + 1);
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  for (let offset = first; offset <= last; offset += PART_LENGTH) {
    const part = await files.read(path, version, offset, Math.min(PART_LENGTH, last + 1 - offset));
    // Replaced meanwhile: the client reads it again. One that has gone needs no more.
    if (part === undefined || response.destroyed) {
      response.destroy();
      return;
    }
    await taken(response, part);
  }
  response.end();
}

/** Sends a refusal; the connection ends, because a body that was not read must not be parsed as the next request. */
export function refuse(response: ServerResponse, status: number, code: string): void {
  response.setHeader('connection', 'close');
  response.setHeader('content-length', code.length);
  response.statusCode = status;
  response.end(code);
}

/** Writes a part, and waits until the operating system has taken it or the connection has ended. */
async function taken(response: ServerResponse, part: Uint8Array): Promise<void> {
  if (response.write(part)) {
    return;
  }
  const waits = new AbortController();
  const { signal } = waits;
  const drained = Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]);
  // An error ends the connection too; the next part is not read.
  await withDeadline(
    drained.catch(() => undefined),
    PART_MILLISECONDS,
    () => response.destroy(),
  );
  waits.abort();
}

function isKnown(known: string | undefined, tag: string): boolean {
  const tags = known?.split(',').map((text) => text.trim().replace(/^W\//, '')) ?? [];
  return tags.includes(tag) || tags.includes('*');
}

/** The range asked for, or the whole file; undefined when no byte of the file is in it. Other forms are ignored. */
function rangeOf({ headers }: IncomingMessage, { length, tag }: FileVersion): Range | undefined {
  const all: Range = [0, length - 1];
  const condition = headers['if-range'];
  const match = condition === undefined || condition === tag ? RANGE.exec(headers.range ?? '') : null;
  if (match === null) {
    return all;
  }
  const number = (group: number): number | undefined => (match[group] === undefined ? undefined : Number(match[group]));
  const [from, to, suffix] = [number(1), number(2), number(3)];
  const first = from ?? Math.max(0, length - suffix!);
  const last = Math.min(length - 1, to ?? length - 1);
  if (to !== undefined && to < first) {
    return all;
  }
  return first > last ? undefined : [first, last];
}
