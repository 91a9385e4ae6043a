// SPDX-License-Identifier: Apache-2.0
import { enrolmentSeed } from '../../../client-apps/demo/seeds.js';
import { deriveSecret } from '../../../client-apps/runtime/party-secret.js';
import { demoHubSecret, hubIdentity } from '../../../client-apps/consumer/identity.js';
import { asciiBytes, fromHex } from '../../../protocol/crypto/bytes.js';
import { epochNode, oneTimeSeed } from '../../../protocol/crypto/ggm.js';
import { sodiumCrypto as crypto } from '../../../protocol/crypto/sodium.js';
import { meterIdentity, ratchetTo, sharedLinkKey } from '../../../protocol/identity/meter-identity.js';
import { pseudonymScheme } from '../../../protocol/identity/pseudonym.js';
import type { IdentityMode } from '../../../protocol/identity/pseudonym-scheme.js';
import { registryLeaf } from '../../../protocol/identity/registry.js';
import type { Readings } from '../../../client-apps/readings/readings.js';
import type { Secret } from './secret-search.js';

/** More rows than a meter makes in a run of the tests. */
const ROWS_AHEAD = 40;

/** Secrets of the meters of a seeded run, derived again from the seed. */
export interface MeterSecrets {
  /** Must not be found anywhere. */
  readonly secrets: Secret[];
  /** A_{0,1} … in the order of k: public once in a row, secret before. */
  readonly pseudonyms: readonly Uint8Array[];
}

/** A meter of a seeded run. */
interface MeterOfRun {
  readonly seed: string;
  readonly index: number;
  readonly readings: Readings;
  /** pk_CC, from the parameters. */
  readonly controlCenterPublicKey: Uint8Array;
  readonly identityMode: IdentityMode;
}

/** The meter's secrets and the pseudonyms that it uses. */
export function meterSecrets({
  seed,
  index,
  readings,
  controlCenterPublicKey,
  identityMode,
}: MeterOfRun): MeterSecrets {
  const own = fromHex(enrolmentSeed(seed, `meter ${index}`));
  const secretKey = deriveSecret('meter', own, 'sk_i');
  const meterKey = deriveSecret('meter', own, 'K_i');
  const publicKey = crypto.x25519PublicKey(secretKey);
  const identity = meterIdentity(crypto, publicKey);
  const linkKey = sharedLinkKey(crypto, secretKey, controlCenterPublicKey);
  const node = epochNode(crypto, meterKey, 0);
  const hubSeed = fromHex(enrolmentSeed(seed, `hub ${index}`));
  const hub = hubIdentity(crypto, demoHubSecret(hubSeed));
  const pseudonyms: Uint8Array[] = [];
  const oneTimeSeeds: Secret[] = [];
  const scheme = pseudonymScheme(identityMode);
  let previous = identity;
  for (let k = 1; k <= ROWS_AHEAD; k++) {
    // In a run meters enrol in their order, and the control center numbers them so.
    pseudonyms.push(scheme.derive(crypto, { linkKey, identity, meterNumber: index, k, previous }));
    previous = scheme.advance(crypto, linkKey, previous, 1);
    oneTimeSeeds.push({ name: `meter ${index}: one-time seed ${k}`, bytes: oneTimeSeed(crypto, node, k) });
  }
  const named: Record<string, Uint8Array> = {
    'enrolment seed': own,
    sk_i: secretKey,
    pk_i: publicKey,
    K_i: meterKey,
    ID_i: identity,
    h_0: linkKey,
    h_1: ratchetTo(crypto, linkKey, 0, 1),
    N_0: node,
    leaf: registryLeaf(crypto, identity, linkKey, node),
    household: asciiBytes(readings.households[index]!.id),
    'hub seed': hubSeed,
    'hub key': hub.keys.secretKey,
    'pairing key': hub.keys.pairingKey,
    sk_U: hub.price.secretKey,
    "hub's link pin": hub.link.pin,
  };
  const secrets = Object.entries(named).map(([name, bytes]) => ({ name: `meter ${index}: ${name}`, bytes }));
  return { secrets: [...secrets, ...oneTimeSeeds], pseudonyms };
}

/** Secrets of the control center and the service provider. */
export function partySecrets(seed: string): Secret[] {
  return ['control center', 'service provider'].flatMap((party) => {
    const own = fromHex(enrolmentSeed(seed, party));
    const keys = deriveSecret(party, own, 'keys');
    const derived = ['x25519', 'ed25519', 'registry padding', 'link', 'link authority'].map((name) => ({
      name: `${party}: ${name}`,
      bytes: deriveSecret(party, keys, name),
    }));
    return [{ name: `${party}: enrolment seed`, bytes: own }, { name: `${party}: keys`, bytes: keys }, ...derived];
  });
}
