// SPDX-License-Identifier: Apache-2.0
import { asciiBytes, toHex } from '../../protocol/crypto/bytes.js';
import { KEY_LENGTH, type Crypto } from '../../protocol/crypto/crypto.js';
import { hkdf } from '../../protocol/crypto/hash.js';
import type { HubKeys } from '../../protocol/onion/hub-payload.js';
import { linkKeyFromSeed, type LinkKey } from '../links/link-identity.js';
import { mailboxIdOf } from '../links/mailbox-frames.js';
import type { HubPairingJson } from '../links/pairing.js';

/** Length of a hub's secret, in bytes. */
export const HUB_SECRET_LENGTH = KEY_LENGTH;

const NO_SALT = new Uint8Array(0);

/** Keys of a hub. */
export interface HubIdentity {
  /** Keys that open the meter's packets. */
  readonly keys: HubKeys;
  /** Key of the link to the mailbox's relay. */
  readonly link: LinkKey;
  /** sk_{U_i} and pk_{U_i}, X25519, for the price tags of the service provider. */
  readonly price: { readonly secretKey: Uint8Array; readonly publicKey: Uint8Array };
}

/** Derives a hub's keys from its secret by HKDF. */
export function hubIdentity(crypto: Crypto, secret: Uint8Array): HubIdentity {
  const key = (name: string): Uint8Array =>
    hkdf(crypto, NO_SALT, secret, asciiBytes(`gridveil hub ${name}`), KEY_LENGTH);
  const secretKey = key('x25519');
  const priceKey = key('price');
  return {
    keys: { secretKey, publicKey: crypto.x25519PublicKey(secretKey), pairingKey: key('pairing') },
    link: linkKeyFromSeed(key('link')),
    price: { secretKey: priceKey, publicKey: crypto.x25519PublicKey(priceKey) },
  };
}

/** Derives a demo hub's secret, 32 bytes, from its enrolment seed. */
export function demoHubSecret(crypto: Crypto, enrolmentSeed: Uint8Array): Uint8Array {
  return hkdf(crypto, NO_SALT, enrolmentSeed, asciiBytes('gridveil hub secret'), HUB_SECRET_LENGTH);
}

/** The pairing for the meter's configuration. Secret, because it holds the pairing key. */
export function pairingOf(identity: HubIdentity, mailboxRelay: string): HubPairingJson {
  return {
    publicKey: toHex(identity.keys.publicKey),
    pairingKey: toHex(identity.keys.pairingKey),
    mailboxRelay,
    mailbox: toHex(mailboxIdOf(identity.link.pin)),
  };
}
