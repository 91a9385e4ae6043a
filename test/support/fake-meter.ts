// SPDX-License-Identifier: Apache-2.0
import type { Crypto } from '../../protocol/crypto/crypto.js';
import { epochNode } from '../../protocol/crypto/ggm.js';
import { meterIdentity, ratchetTo, sharedLinkKey } from '../../protocol/identity/meter-identity.js';
import { oneTimeKey } from '../../protocol/identity/one-time-key.js';
import { pseudonymScheme } from '../../protocol/identity/pseudonym.js';
import type { PseudonymSource } from '../../protocol/identity/pseudonym-scheme.js';
import { registryLeaf } from '../../protocol/identity/registry.js';
import type { Parameters } from '../../protocol/ledger/parameters.js';
import { ROW_TYPE, signRow } from '../../protocol/ledger/row.js';
import { rowTimeSeconds } from '../../protocol/schedule/windows.js';

/** The secrets of a meter in one epoch. */
export interface EpochSecrets {
  readonly linkKey: Uint8Array;
  readonly epochNode: Uint8Array;
  readonly leaf: Uint8Array;
}

/** The identity of a meter, and the secrets from which its rows are made. */
export interface MeterSecrets {
  readonly number: number;
  readonly identity: Uint8Array;
  secretsOf(epoch: number): EpochSecrets;
}

/** One meter with everything that it and the control center know. */
export class FakeMeter implements MeterSecrets {
  number: number;
  /** sk_i. */
  readonly secretKey: Uint8Array;
  /** K_i. */
  readonly meterKey: Uint8Array;
  readonly identity: Uint8Array;
  readonly #crypto: Crypto;
  readonly #controlCenterPublicKey: Uint8Array;
  readonly #secrets = new Map<number, EpochSecrets>();

  constructor(
    crypto: Crypto,
    keys: Readonly<{
      number: number;
      secretKey: Uint8Array;
      meterKey: Uint8Array;
      controlCenterPublicKey: Uint8Array;
    }>,
  ) {
    this.#crypto = crypto;
    this.number = keys.number;
    this.secretKey = keys.secretKey;
    this.meterKey = keys.meterKey;
    this.#controlCenterPublicKey = keys.controlCenterPublicKey;
    this.identity = meterIdentity(crypto, crypto.x25519PublicKey(keys.secretKey));
  }

  secretsOf(epoch: number): EpochSecrets {
    let found = this.#secrets.get(epoch);
    if (found === undefined) {
      const crypto = this.#crypto;
      const firstLinkKey = sharedLinkKey(crypto, this.secretKey, this.#controlCenterPublicKey);
      const linkKey = ratchetTo(crypto, firstLinkKey, 0, epoch);
      const node = epochNode(crypto, this.meterKey, epoch);
      found = { linkKey, epochNode: node, leaf: registryLeaf(crypto, this.identity, linkKey, node) };
      this.#secrets.set(epoch, found);
    }
    return found;
  }
}

/** The places of meters in their chains of pseudonyms, one chain for each meter and epoch. */
export class PseudonymChains {
  readonly #places = new Map<string, { k: number; previous: Uint8Array }>();

  /**
   * The meter's next row; its k is used up.
   *
   * @param skip pseudonyms to leave unused before it
   */
  nextRow(
    crypto: Crypto,
    parameters: Parameters,
    meter: MeterSecrets,
    row: Readonly<{ startSeconds: number; epoch: number; category: number; skip?: number }>,
  ): { row: Uint8Array; source: PseudonymSource } {
    const { startSeconds, epoch, category, skip = 0 } = row;
    const { number: meterNumber, identity } = meter;
    const { linkKey, epochNode: node } = meter.secretsOf(epoch);
    const scheme = pseudonymScheme(parameters.identityMode);
    const place = this.#places.get(`${epoch}/${meterNumber}`) ?? { k: 1, previous: identity };
    const k = place.k + skip;
    const previous = scheme.advance(crypto, linkKey, place.previous, skip);
    this.#places.set(`${epoch}/${meterNumber}`, { k: k + 1, previous: scheme.advance(crypto, linkKey, previous, 1) });
    const source = { identity, linkKey, meterNumber, k, previous };
    const content = {
      type: ROW_TYPE.consumption,
      ledgerId: { region: parameters.region, startSeconds },
      pseudonym: scheme.derive(crypto, source),
      timeSeconds: rowTimeSeconds(parameters, startSeconds),
      value: parameters.categoriesMilliWattHours[category]!,
    };
    return { row: signRow(crypto, content, oneTimeKey(crypto, node, k)), source };
  }
}
