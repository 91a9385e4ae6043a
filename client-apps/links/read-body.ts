// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from 'node:http';

/** Reads the body of a request or an answer; undefined when it is too long, and the rest is not read. */
export async function readBody(message: IncomingMessage, maximumLength: number): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of message as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > maximumLength) {
      return undefined;
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}
