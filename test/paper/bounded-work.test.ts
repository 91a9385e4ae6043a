// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { MAXIMUM_FORWARD_JUMP, PseudonymChain } from '../../client-apps/control-center/intake/pseudonym-chain.js';
import type { Crypto } from '../../protocol/crypto/crypto.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { pseudonymScheme } from '../../protocol/identity/pseudonym.js';
import { IDENTITY_MODES } from '../../protocol/identity/pseudonym-scheme.js';
import { ROW_PLACES } from '../../protocol/onion/geometry.js';
import {
  authenticateControlCenterPayload,
  openControlCenterPacket,
  sealControlCenterPacket,
} from '../../protocol/onion/control-center-payload.js';
import { checkRowSecrets } from '../../protocol/rules/check-row.js';
import { IntervalMaker } from '../support/interval.js';
import { FakeRegion } from '../support/region.js';

/** How often a primitive was used. */
type Counts = Record<string, number>;

/** A back end that counts. */
function counting(): { crypto: Crypto; counts: Counts } {
  const counts: Counts = {};
  const crypto = new Proxy(sodiumCrypto, {
    get(target, name: keyof Crypto) {
      const operation = target[name] as unknown;
      if (typeof operation !== 'function') {
        return operation;
      }
      return (...args: unknown[]): unknown => {
        counts[name] = (counts[name] ?? 0) + 1;
        return (operation as (...args: unknown[]) => unknown)(...args);
      };
    },
  });
  return { crypto, counts };
}

// The paper's CC tries H(H1(sk_{CC,i}) ‖ H1(pk_i)) = A for every meter i. Here a packet says which meter it claims to
// come from, and its MAC shows whether that is so, before anything else is looked at.
describe('what an identity that is not registered, or forged, costs the control center', () => {
  const random = (length: number): Uint8Array => new Uint8Array(length).fill(9);
  const secretKey = sodiumCrypto.sha256(random(1));
  const onionKey = { epoch: 0, secretKey, publicKey: sodiumCrypto.x25519PublicKey(secretKey) };
  const payload = { meterNumber: 7, epoch: 0, slotStartSeconds: 0, rows: [] };
  const packet = sealControlCenterPacket(sodiumCrypto, {
    onionKey: onionKey.publicKey,
    payload,
    linkKey: random(32),
    random,
  });

  it('is one box to open and one MAC, in both identity modes, however many meters there are', () => {
    const { crypto, counts } = counting();
    const opened = openControlCenterPacket(crypto, onionKey, packet);
    assert.equal(authenticateControlCenterPayload(crypto, opened, sodiumCrypto.sha256(random(2))), false);
    const { hmacSha256, ...others } = counts;
    assert.deepEqual(others, { x25519: 1, chacha20Poly1305Open: 1 });
    assert.ok(hmacSha256! <= 8, `${hmacSha256} HMACs: the key schedule of HPKE and the MAC`);
  });

  for (const identityMode of IDENTITY_MODES) {
    const scheme = pseudonymScheme(identityMode);
    const kit = new FakeRegion({ parameters: { identityMode } });
    const { witnessedRows } = new IntervalMaker(kit).next([0, 0, 0, 0, 0]);

    it(`${identityMode}: a false pseudonym of a registered meter is refused before a key is made`, () => {
      const { crypto, counts } = counting();
      const { row, witness } = witnessedRows[0]!;
      const changed = row.with(20, row[20]! ^ 1);
      assert.throws(() => checkRowSecrets(crypto, scheme, changed, witness), { code: 'WRONG_PSEUDONYM' });
      const expected = identityMode === 'chain' ? { hmacSha256: 1 } : { hmacSha256: 1, aes128EncryptBlock: 2 };
      assert.deepEqual(counts, expected);
    });

    it(`${identityMode}: a jump of k costs at most ${MAXIMUM_FORWARD_JUMP} hashes a row, ${ROW_PLACES} rows a packet`, () => {
      const { crypto, counts } = counting();
      scheme.advance(crypto, random(32), random(32), MAXIMUM_FORWARD_JUMP - 1);
      assert.deepEqual(counts, identityMode === 'chain' ? { hmacSha256: MAXIMUM_FORWARD_JUMP - 1 } : {});
      const chain = PseudonymChain.start(random(32));
      assert.notEqual(chain.previous(scheme, random(32), MAXIMUM_FORWARD_JUMP), undefined);
      assert.equal(chain.previous(scheme, random(32), MAXIMUM_FORWARD_JUMP + 1), undefined, 'refused unseen');
    });
  }
});
