// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { asciiBytes, concatBytes, fromHex, toHex } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { readIfPresent, replaceFile } from './atomic-file.js';
import { ClientError } from './errors.js';

/** Bytes of the key that seals a party's files. */
export const FILE_KEY_LENGTH = 32;
/** XChaCha20 nonces are long enough to be drawn at random for every write. */
const NONCE_LENGTH = 24;
/** Names the format, so that another version is refused and not misread. */
const MAGIC = asciiBytes('GVS1');

/**
 * Seals a value for rest: magic 4 ‖ nonce 24 ‖ XChaCha20-Poly1305 ciphertext and tag. `name` is authenticated, so a
 * value cannot be moved to another place; an older value at the same place is not noticed.
 */
export function sealAtRest(key: Uint8Array, name: string, plaintext: Uint8Array): Uint8Array {
  const nonce = randomBytes(NONCE_LENGTH);
  const aad = concatBytes(MAGIC, new TextEncoder().encode(name));
  return concatBytes(MAGIC, nonce, sodiumCrypto.xchacha20Poly1305Seal(key, nonce, aad, plaintext));
}

/** @throws ClientError SEALED_INVALID when the bytes are not what `sealAtRest` made under this key and name */
export function openAtRest(key: Uint8Array, name: string, sealed: Uint8Array): Uint8Array {
  const nonce = sealed.subarray(MAGIC.length, MAGIC.length + NONCE_LENGTH);
  const aad = concatBytes(sealed.subarray(0, MAGIC.length), new TextEncoder().encode(name));
  try {
    if (!MAGIC.every((byte, index) => sealed[index] === byte)) {
      throw new Error('unknown format');
    }
    return sodiumCrypto.xchacha20Poly1305Open(key, nonce, aad, sealed.subarray(MAGIC.length + NONCE_LENGTH));
  } catch (cause) {
    throw new ClientError('SEALED_INVALID', `${name} cannot be decrypted with this key, or was changed`, { cause });
  }
}

/** One secret on disk: sealed, mode 0600, replaced atomically and durably. The file's base name is authenticated. */
export class SealedFile {
  #lastWrite: Promise<void> = Promise.resolve();

  readonly #key: Uint8Array;

  /** @param key {@link FILE_KEY_LENGTH} bytes, from {@link loadFileKey} */
  constructor(
    readonly path: string,
    key: Uint8Array,
  ) {
    this.#key = key;
  }

  /**
   * @returns the bytes last written, or undefined when there is no file
   * @throws ClientError SEALED_INVALID
   */
  async read(): Promise<Uint8Array | undefined> {
    const sealed = await readIfPresent(this.path);
    return sealed === undefined ? undefined : openAtRest(this.#key, basename(this.path), sealed);
  }

  /** Returns when the bytes are on the disk. Writes happen in the order of the calls. */
  write(bytes: Uint8Array): Promise<void> {
    const sealed = sealAtRest(this.#key, basename(this.path), bytes);
    const write = async (): Promise<void> => {
      await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
      await replaceFile(this.path, sealed, { mode: 0o600, durable: true });
    };
    const written = this.#lastWrite.then(write, write);
    this.#lastWrite = written;
    return written;
  }
}

/**
 * The key of this process's sealed files: `GRIDVEIL_KEY_FILE` names a file of 64 hexadecimal digits that only its
 * owner can read.
 *
 * @throws ClientError KEY_FILE
 */
export async function loadFileKey(environment: NodeJS.ProcessEnv): Promise<Uint8Array> {
  const path = environment['GRIDVEIL_KEY_FILE'];
  if (path === undefined || path === '') {
    throw new ClientError('KEY_FILE', 'GRIDVEIL_KEY_FILE is not set');
  }
  return readFileKey(path);
}

/** @throws ClientError KEY_FILE */
export async function readFileKey(path: string): Promise<Uint8Array> {
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0) {
      throw new Error('it is readable by users other than its owner (chmod 600)');
    }
    const key = fromHex((await readFile(path, 'ascii')).trim());
    if (key.length !== FILE_KEY_LENGTH) {
      throw new Error(`it must contain ${FILE_KEY_LENGTH} bytes in hexadecimal`);
    }
    return key;
  } catch (cause) {
    throw new ClientError('KEY_FILE', `key file ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** Makes a new key file, mode 0600. An existing one is kept: replacing it would lose all that it seals. */
export async function createFileKey(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      return undefined;
    }
    throw error;
  });
  if (file === undefined) {
    return;
  }
  try {
    await file.writeFile(`${toHex(randomBytes(FILE_KEY_LENGTH))}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await chmod(path, 0o600);
}
