// SPDX-License-Identifier: Apache-2.0
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { asciiBytes } from '../../protocol/crypto/bytes.js';
import type { OnionKeyPair, PacketRoute, RandomSource, WrapLayer } from '../../protocol/onion/packet.js';

/** 32 bytes that belong to a name. */
export function fixedSecret(name: string): Uint8Array {
  return sodiumCrypto.sha256(asciiBytes(`gridveil onion test ${name}`));
}

/** A source that gives the same bytes in every run. */
export function fixedRandom(name: string): RandomSource {
  let counter = 0;
  let rest: Uint8Array = new Uint8Array(0);
  return (length) => {
    const bytes = new Uint8Array(length);
    for (let offset = 0; offset < length; offset++) {
      if (rest.length === 0) {
        rest = fixedSecret(`${name} ${counter++}`);
      }
      bytes[offset] = rest[0]!;
      rest = rest.subarray(1);
    }
    return bytes;
  };
}

/** The key pair of a relay, the control center or a hub. */
export function fixedKey(name: string, epoch: number): OnionKeyPair {
  const secretKey = fixedSecret(`${name} ${epoch}`);
  return { epoch, secretKey, publicKey: sodiumCrypto.x25519PublicKey(secretKey) };
}

/** Layers through relays 1, 2, … to an end, held 100, 200, … ms. */
export function layersTo(end: PacketRoute, keys: readonly OnionKeyPair[]): WrapLayer[] {
  return keys.map(({ publicKey }, index) => ({
    onionKey: publicKey,
    delayMilliseconds: 100 * (index + 1),
    route: index === keys.length - 1 ? end : { to: 'relay', relay: index + 1 },
  }));
}
