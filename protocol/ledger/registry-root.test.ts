// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { anySignedRegistryRoot } from '../../test/support/arbitraries.js';
import { FakeRegion } from '../../test/support/region.js';
import { sodiumCrypto } from '../crypto/sodium.js';
import { encodeCanonical, type JsonObject } from './canonical-json.js';
import { decodeRegistryRoot, encodeRegistryRoot, verifyRegistryRootSignature } from './registry-root.js';

describe('registry root', () => {
  const kit = new FakeRegion({ meters: 3 });
  const signed = kit.registryRoot(1);
  const key = kit.controlCenter.publicKey;

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(anySignedRegistryRoot, (root) =>
        assert.deepEqual(decodeRegistryRoot(encodeRegistryRoot(root)), root),
      ),
    );
  });

  it('is signed in every field', () => {
    verifyRegistryRootSignature(sodiumCrypto, signed, key);
    const { registryRoot, signature } = signed;
    for (const change of [
      { region: 'paris' },
      { epoch: 2 },
      { root: new Uint8Array(32) },
      { depth: 12 },
      { meters: 4 },
      { effectiveFromSeconds: 0 },
    ]) {
      const other = { registryRoot: { ...registryRoot, ...change }, signature };
      assert.throws(() => verifyRegistryRootSignature(sodiumCrypto, other, key), { code: 'BAD_SIGNATURE' });
    }
  });

  it('refuses fields out of range', () => {
    const json = JSON.parse(new TextDecoder().decode(encodeRegistryRoot(signed))) as { registryRoot: JsonObject };
    for (const change of [
      { meters: 0 },
      { meters: 5_001 },
      { depth: 21 },
      { epoch: 65_536 },
      { region: '' },
      { root: '' },
      { extra: 1 },
    ]) {
      const bytes = encodeCanonical({ ...json, registryRoot: { ...json.registryRoot, ...change } });
      assert.throws(() => decodeRegistryRoot(bytes), { code: 'MALFORMED' });
    }
    assert.throws(() => decodeRegistryRoot(new Uint8Array(1_025)), { code: 'LIMIT_EXCEEDED' });
  });
});
