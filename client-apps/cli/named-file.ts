// SPDX-License-Identifier: Apache-2.0
import { access, constants, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ProtocolError } from '../../protocol/errors.js';
import { ClientError } from '../runtime/errors.js';

/**
 * Reads a file that the user named; whatever is wrong with it is told with its name.
 *
 * @param decode makes of its bytes what they stand for
 * @throws ClientError WRONG_USE when it cannot be read
 * @throws ProtocolError of `decode`
 */
export async function readNamedFile<T>(file: string, decode: (bytes: Uint8Array) => T): Promise<T> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new ClientError('WRONG_USE', `${file} cannot be read: ${(cause as Error).message}`, { cause });
  });
  try {
    return decode(bytes);
  } catch (cause) {
    if (cause instanceof ProtocolError) {
      throw new ProtocolError(cause.code, `${file}: ${(cause as Error).message}`, { cause });
    }
    throw cause;
  }
}

/**
 * Asks, before long work, whether its result can be written to a file that the user named.
 *
 * @throws ClientError WRONG_USE
 */
export async function requireWritableFile(file: string): Promise<void> {
  const folder = dirname(file);
  await access(folder, constants.W_OK).catch((cause: unknown) => {
    throw new ClientError('WRONG_USE', `${file} cannot be written: ${(cause as Error).message}`, { cause });
  });
  if (
    await stat(file).then(
      (found) => found.isDirectory(),
      () => false,
    )
  ) {
    throw new ClientError('WRONG_USE', `${file} cannot be written: it is a directory`);
  }
}
