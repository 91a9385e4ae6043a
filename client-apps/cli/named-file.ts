// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ProtocolError } from '../../protocol/errors.js';
import { printable } from '../bulletin/layout.js';
import { ClientError } from '../runtime/errors.js';

/**
 * Reads and decodes a file named on the command line; errors name the file.
 *
 * @param maximumLength bytes; no more are read, whatever the file is
 * @throws ClientError WRONG_USE when it cannot be read
 * @throws ProtocolError LIMIT_EXCEEDED, and those of `decode`
 */
export async function readNamedFile<T>(
  file: string,
  maximumLength: number,
  decode: (bytes: Uint8Array) => T,
): Promise<T> {
  const bytes = await readAtMost(file, maximumLength + 1).catch((cause: unknown) => {
    const reason = (cause as NodeJS.ErrnoException).code ?? messageOf(cause);
    throw new ClientError('WRONG_USE', `cannot read ${printable(file)}: ${reason}`);
  });
  try {
    if (bytes.length > maximumLength) {
      throw new ProtocolError('LIMIT_EXCEEDED', `expected at most ${maximumLength} bytes`);
    }
    return decode(bytes);
  } catch (cause) {
    if (cause instanceof ProtocolError) {
      throw new ProtocolError(cause.code, `${printable(file)}: ${cause.message}`, { cause });
    }
    throw cause;
  }
}

/** The first bytes of a file, which may be a pipe. */
async function readAtMost(file: string, length: number): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  // `end` is included.
  for await (const part of createReadStream(file, { end: length - 1 })) {
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts);
}

/**
 * Checks, before long work, that its result can be written to a file named on the command line.
 *
 * @throws ClientError WRONG_USE
 */
export async function requireWritableFile(file: string): Promise<void> {
  const folder = dirname(file);
  await access(folder, constants.W_OK).catch((cause: unknown) => {
    throw new ClientError('WRONG_USE', `cannot write ${file}: ${messageOf(cause)}`, { cause });
  });
  if (
    await stat(file).then(
      (found) => found.isDirectory(),
      () => false,
    )
  ) {
    throw new ClientError('WRONG_USE', `cannot write ${file}: it is a directory`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
