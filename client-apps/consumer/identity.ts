// SPDX-License-Identifier: Apache-2.0
import { asciiBytes, toHex } from '../../protocol/crypto/bytes.js';
import { KEY_LENGTH, type Crypto } from '../../protocol/crypto/crypto.js';
import { hkdf } from '../../protocol/crypto/hash.js';
import type { HubKeys } from '../../protocol/onion/hub-payload.js';
import { linkKeyFromSeed, type LinkKey } from '../links/link-identity.js';
import { mailboxIdOf } from '../links/mailbox-frames.js';
import type { HubPairingJson } from '../links/pairing.js';

/** Bytes of the one secret that a hub keeps. */
export const HUB_SECRET_LENGTH = KEY_LENGTH;

const NO_SALT = new Uint8Array(0);

/** What a hub is known by. */
export interface HubIdentity {
  /** Opens the meter's packets. */
  readonly keys: HubKeys;
  /** Key of the link to the mailbox's relay. */
  readonly link: LinkKey;
  /** sk_{U_i} and pk_{U_i}, X25519, shared with the service provider alone. */
  readonly price: { readonly secretKey: Uint8Array; readonly publicKey: Uint8Array };
}

/** A hub's keys, each by HKDF from its secret under a name of its own. */
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

/** The secret of a hub in a demo, where everything about enrolment follows from the seed. 32 bytes. */
export function demoHubSecret(crypto: Crypto, enrolmentSeed: Uint8Array): Uint8Array {
  return hkdf(crypto, NO_SALT, enrolmentSeed, asciiBytes('gridveil hub secret'), HUB_SECRET_LENGTH);
}

/** What the household carries to its meter. Holds the pairing key, so it is as secret as the household's bills. */
export function pairingOf(identity: HubIdentity, mailboxRelay: string): HubPairingJson {
  return {
    publicKey: toHex(identity.keys.publicKey),
    pairingKey: toHex(identity.keys.pairingKey),
    mailboxRelay,
    mailbox: toHex(mailboxIdOf(identity.link.pin)),
  };
}
