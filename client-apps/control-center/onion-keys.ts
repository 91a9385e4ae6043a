// SPDX-License-Identifier: Apache-2.0
import { asciiBytes, concatBytes, readUint16, wipe, writeUint16 } from '../../protocol/crypto/bytes.js';
import { KEY_LENGTH } from '../../protocol/crypto/crypto.js';
import { hkdf } from '../../protocol/crypto/hash.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { ProtocolError } from '../../protocol/errors.js';
import type { OnionKeyPair } from '../../protocol/onion/packet.js';

const NO_SALT = new Uint8Array(0);
const RATCHET = asciiBytes('gridveil control center onion ratchet');
const KEY = asciiBytes('gridveil control center onion key');

/**
 * The control center's onion keys: one X25519 pair per epoch, from a secret that moves forward. Once it has moved past
 * an epoch, no packet of that epoch can be opened any more.
 */
export class OnionKeys {
  private constructor(
    private oldest: number,
    private secret: Uint8Array,
  ) {}

  /** @param secret of the first epoch, 32 bytes */
  static first(epoch: number, secret: Uint8Array): OnionKeys {
    return new OnionKeys(epoch, secret.slice());
  }

  /** epoch 2 ‖ secret 32. Secret. */
  toBytes(): Uint8Array {
    const prefix = new Uint8Array(2);
    writeUint16(prefix, 0, this.oldest);
    return concatBytes(prefix, this.secret);
  }

  static fromBytes(bytes: Uint8Array): OnionKeys {
    return new OnionKeys(readUint16(bytes, 0), bytes.slice(2));
  }

  /** @throws ProtocolError EPOCH_ERASED for an epoch that was forgotten */
  key(epoch: number): OnionKeyPair {
    const secret = this.secretOf(epoch);
    const secretKey = hkdf(sodiumCrypto, NO_SALT, secret, KEY, KEY_LENGTH);
    wipe(secret);
    return { epoch, secretKey, publicKey: sodiumCrypto.x25519PublicKey(secretKey) };
  }

  /** Erases the keys of all epochs before this one. */
  forgetBefore(epoch: number): void {
    if (epoch <= this.oldest) return;
    const secret = this.secretOf(epoch);
    wipe(this.secret);
    this.secret = secret;
    this.oldest = epoch;
  }

  private secretOf(epoch: number): Uint8Array {
    if (epoch < this.oldest) throw new ProtocolError('EPOCH_ERASED', 'the onion key of this epoch is erased');
    let secret: Uint8Array = this.secret.slice();
    for (let passed = this.oldest; passed < epoch; passed++) {
      const next = hkdf(sodiumCrypto, NO_SALT, secret, RATCHET, KEY_LENGTH);
      wipe(secret);
      secret = next;
    }
    return secret;
  }
}
