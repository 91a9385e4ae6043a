// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../../protocol/crypto/bytes.js';
import type { Crypto } from '../../protocol/crypto/crypto.js';
import type { HubKeys } from '../../protocol/onion/hub-payload.js';
import { deriveSecret } from '../runtime/party-secret.js';
import { linkKeyFromSeed, type LinkKey } from '../links/link-identity.js';
import { mailboxIdOf } from '../links/mailbox-frames.js';
import type { HubPairingJson } from '../links/pairing.js';

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
  const key = (name: string): Uint8Array => deriveSecret('hub', secret, name);
  const secretKey = key('x25519');
  const priceKey = key('price');
  return {
    keys: { secretKey, publicKey: crypto.x25519PublicKey(secretKey), pairingKey: key('pairing') },
    link: linkKeyFromSeed(key('link')),
    price: { secretKey: priceKey, publicKey: crypto.x25519PublicKey(priceKey) },
  };
}

/** The secret of a hub in a demo, where everything about enrolment follows from the seed. 32 bytes. */
export function demoHubSecret(enrolmentSeed: Uint8Array): Uint8Array {
  return deriveSecret('hub', enrolmentSeed, 'secret');
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
