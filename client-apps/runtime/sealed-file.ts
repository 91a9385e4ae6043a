// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { asciiBytes, concatBytes, equalBytes, fromHex, toHex, wipe } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { readIfPresent, replaceFile } from './atomic-file.js';
import { ClientError } from './errors.js';

/** Bytes of the key that seals a party's files. */
export const FILE_KEY_LENGTH = 32;
const FILE_KEY = new RegExp(`^[0-9a-f]{${2 * FILE_KEY_LENGTH}}$`);
/** XChaCha20 nonces are long enough to be drawn at random for every write. */
const NONCE_LENGTH = 24;
/** Names the format, so that another version is refused and not misread. */
const MAGIC = asciiBytes('GVS1');

/** Longest name of a party, ASCII: one byte holds its length. */
const MAXIMUM_PARTY_LENGTH = 255;

/**
 * The key of one party's sealed files. A sealed value is magic 4 ‖ length of the party's name 1 ‖ name ‖
 * nonce 24 ‖ XChaCha20-Poly1305 ciphertext and tag. All before the nonce and the value's purpose are authenticated, so
 * a value cannot be moved to another place, nor to another party under the same key; an older value at the same place
 * is not noticed.
 */
export class FileKey {
  readonly #key: Uint8Array;
  readonly #party: string;
  readonly #head: Uint8Array;

  /**
   * @param key {@link FILE_KEY_LENGTH} bytes, from {@link loadFileKey}
   * @param kind of the party, such as `meter`
   * @param name tells it from others of its kind and follows from its configuration alone; not secret
   */
  constructor(key: Uint8Array, kind: string, name: string) {
    this.#key = key;
    this.#party = `${kind} ${name}`;
    if (this.#party.length > MAXIMUM_PARTY_LENGTH) {
      throw new ClientError('LIMIT_EXCEEDED', `name of a party: ${this.#party.length} of ${MAXIMUM_PARTY_LENGTH}`);
    }
    this.#head = headOf(this.#party);
  }

  /** @param purpose names the value's place in the party's directory */
  seal(purpose: string, plaintext: Uint8Array): Uint8Array {
    const nonce = randomBytes(NONCE_LENGTH);
    const ciphertext = sodiumCrypto.xchacha20Poly1305Seal(
      { key: this.#key, nonce, aad: aadOf(this.#head, purpose) },
      plaintext,
    );
    return concatBytes(this.#head, nonce, ciphertext);
  }

  /**
   * @param place named in the error
   * @throws ClientError SEALED_INVALID when the bytes are not what `seal` made under this key and purpose; WRONG_PARTY
   *   when it made them for another party
   */
  open(purpose: string, sealed: Uint8Array, place = purpose): Uint8Array {
    const head = sealed.subarray(0, MAGIC.length + 1 + (sealed[MAGIC.length] ?? 0));
    const body = sealed.subarray(head.length);
    let plaintext: Uint8Array;
    try {
      if (!MAGIC.every((byte, index) => sealed[index] === byte)) {
        throw new Error('unknown format');
      }
      const [nonce, ciphertext] = [body.subarray(0, NONCE_LENGTH), body.subarray(NONCE_LENGTH)];
      plaintext = sodiumCrypto.xchacha20Poly1305Open({ key: this.#key, nonce, aad: aadOf(head, purpose) }, ciphertext);
    } catch (cause) {
      throw new ClientError('SEALED_INVALID', `${place} cannot be decrypted with this key, or was changed`, { cause });
    }
    if (!equalBytes(head, this.#head)) {
      wipe(plaintext);
      const actual = new TextDecoder().decode(head.subarray(MAGIC.length + 1));
      throw new ClientError('WRONG_PARTY', `${place}: expected a file of ${this.#party}, got one of ${actual}`);
    }
    return plaintext;
  }

  /** Overwrites the key; nothing can be sealed or opened afterwards. */
  wipe(): void {
    wipe(this.#key);
  }
}

/**
 * The name of a meter or a hub in its files, known before it is enrolled: 8 bytes of the SHA-256 of its enrolment code,
 * in hexadecimal. The code does not follow from it.
 */
export function nameOfCode(enrolmentCode: Uint8Array): string {
  return toHex(sodiumCrypto.sha256(enrolmentCode).subarray(0, 8));
}

function headOf(party: string): Uint8Array {
  return concatBytes(MAGIC, Uint8Array.of(party.length), asciiBytes(party));
}

function aadOf(head: Uint8Array, purpose: string): Uint8Array {
  return concatBytes(head, new TextEncoder().encode(purpose));
}

/** One secret on disk: sealed for its party and under its base name, mode 0600, replaced atomically and durably. */
export class SealedFile {
  #lastWrite: Promise<void> = Promise.resolve();

  readonly #key: FileKey;

  constructor(
    readonly path: string,
    key: FileKey,
  ) {
    this.#key = key;
  }

  /**
   * @returns the bytes last written, or undefined when there is no file
   * @throws ClientError SEALED_INVALID, WRONG_PARTY
   */
  async read(): Promise<Uint8Array | undefined> {
    const sealed = await readIfPresent(this.path);
    return sealed === undefined ? undefined : this.#key.open(this.#purpose, sealed, this.path);
  }

  /** Returns when the bytes are on the disk. Writes happen in the order of the calls. */
  write(bytes: Uint8Array): Promise<void> {
    const sealed = this.#key.seal(this.#purpose, bytes);
    const write = async (): Promise<void> => {
      await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
      await replaceFile(this.path, sealed, { mode: 0o600, durable: true });
    };
    const written = this.#lastWrite.then(write, write);
    this.#lastWrite = written;
    return written;
  }

  get #purpose(): string {
    return basename(this.path);
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
    throw new ClientError('KEY_FILE', 'GRIDVEIL_KEY_FILE is not set: expected the path of the key of the sealed files');
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
    const text = (await readFile(path, 'ascii')).trim();
    if (!FILE_KEY.test(text)) {
      throw new Error(`expected ${2 * FILE_KEY_LENGTH} lower-case hexadecimal digits`);
    }
    return fromHex(text);
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
