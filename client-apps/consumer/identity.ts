// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../../protocol/crypto/bytes.js';
import type { Crypto } from '../../protocol/crypto/crypto.js';
import type { HubKeys } from '../../protocol/onion/hub-payload.js';
import { deriveSecret } from '../runtime/party-secret.js';
import { linkKeyFromSeed, type LinkKey } from '../links/link-identity.js';
import { mailboxIdOf } from '../links/mailbox-frames.js';
import type { HubPairingJson } from '../links/pairing.js';

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
  const key = (name: string): Uint8Array => deriveSecret('hub', secret, name);
  const secretKey = key('x25519');
  const priceKey = key('price');
  return {
    keys: { secretKey, publicKey: crypto.x25519PublicKey(secretKey), pairingKey: key('pairing') },
    link: linkKeyFromSeed(key('link')),
    price: { secretKey: priceKey, publicKey: crypto.x25519PublicKey(priceKey) },
  };
}

/** Derives a demo hub's secret, 32 bytes, from its enrolment seed. */
export function demoHubSecret(enrolmentSeed: Uint8Array): Uint8Array {
  return deriveSecret('hub', enrolmentSeed, 'secret');
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
