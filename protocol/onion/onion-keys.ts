// SPDX-License-Identifier: Apache-2.0
import { asciiBytes, concatBytes, readUint16, requireLength, wipe, writeUint16 } from '../crypto/bytes.js';
import { KEY_LENGTH, type Crypto } from '../crypto/crypto.js';
import { hkdf, NO_SALT } from '../crypto/hash.js';
import { ProtocolError } from '../errors.js';
import type { OnionKeyPair } from './packet.js';

const RATCHET = asciiBytes('gridveil/v1/onion ratchet');
const KEY = asciiBytes('gridveil/v1/onion key');
const REPLAY = asciiBytes('gridveil/v1/onion replay');

/**
 * The onion keys of a relay or of the control center: one X25519 pair per epoch, from a secret that only moves
 * forward. Once it has moved past an epoch, no packet of that epoch can be opened any more.
 */
export class OnionKeys {
  readonly #crypto: Crypto;
  #oldest: number;
  #secret: Uint8Array;

  private constructor(crypto: Crypto, oldest: number, secret: Uint8Array) {
    this.#crypto = crypto;
    this.#oldest = oldest;
    this.#secret = secret;
  }

  /** The first epoch whose key is not erased. */
  get oldest(): number {
    return this.#oldest;
  }

  /** @param secret of this epoch, 32 random bytes */
  static first(crypto: Crypto, epoch: number, secret: Uint8Array): OnionKeys {
    requireLength(secret, KEY_LENGTH, 'onion secret');
    return new OnionKeys(crypto, epoch, Uint8Array.from(secret));
  }

  /** epoch 2 ‖ secret 32, secret. */
  toBytes(): Uint8Array {
    const prefix = new Uint8Array(2);
    writeUint16(prefix, 0, this.#oldest);
    return concatBytes(prefix, this.#secret);
  }

  /** @throws ProtocolError BAD_LENGTH */
  static fromBytes(crypto: Crypto, bytes: Uint8Array): OnionKeys {
    return OnionKeys.first(crypto, readUint16(bytes, 0), bytes.subarray(2));
  }

  /**
   * The key pair of an epoch.
   *
   * @throws ProtocolError EPOCH_ERASED for an epoch that was forgotten
   */
  key(epoch: number): OnionKeyPair {
    const secretKey = this.#derive(epoch, KEY);
    return { epoch, secretKey, publicKey: this.#crypto.x25519PublicKey(secretKey) };
  }

  /** The key of an epoch's replay tags, 32 bytes; it is lost with the onion key. @throws ProtocolError EPOCH_ERASED */
  replayKey(epoch: number): Uint8Array {
    return this.#derive(epoch, REPLAY);
  }

  /** Erases the keys of all epochs before this one. */
  forgetBefore(epoch: number): void {
    if (epoch <= this.#oldest) {
      return;
    }
    const secret = this.#secretOf(epoch);
    wipe(this.#secret);
    this.#secret = secret;
    this.#oldest = epoch;
  }

  #derive(epoch: number, info: Uint8Array): Uint8Array {
    const secret = this.#secretOf(epoch);
    const key = hkdf(this.#crypto, { salt: NO_SALT, inputKey: secret, info, length: KEY_LENGTH });
    wipe(secret);
    return key;
  }

  #secretOf(epoch: number): Uint8Array {
    if (epoch < this.#oldest) {
      throw new ProtocolError('EPOCH_ERASED', 'the onion key of this epoch is erased');
    }
    let secret: Uint8Array = Uint8Array.from(this.#secret);
    for (let passed = this.#oldest; passed < epoch; passed++) {
      const next = hkdf(this.#crypto, { salt: NO_SALT, inputKey: secret, info: RATCHET, length: KEY_LENGTH });
      wipe(secret);
      secret = next;
    }
    return secret;
  }
}
