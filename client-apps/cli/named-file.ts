// SPDX-License-Identifier: Apache-2.0
import { access, constants, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ProtocolError } from '../../protocol/errors.js';
import { ClientError } from '../runtime/errors.js';

/**
 * Reads and decodes a file named on the command line; errors name the file.
 *
 * @throws ClientError WRONG_USE when it cannot be read
 * @throws ProtocolError of `decode`
 */
export async function readNamedFile<T>(file: string, decode: (bytes: Uint8Array) => T): Promise<T> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new ClientError('WRONG_USE', `cannot read ${file}: ${messageOf(cause)}`, { cause });
  });
  try {
    return decode(bytes);
  } catch (cause) {
    if (cause instanceof ProtocolError) {
      throw new ProtocolError(cause.code, `${file}: ${cause.message}`, { cause });
    }
    throw cause;
  }
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
