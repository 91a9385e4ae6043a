// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { toHex } from '../../protocol/crypto/bytes.js';
import { osRandom } from './random.js';

describe('osRandom', () => {
  it('gives as many bytes as asked for, never the same twice, and its own to each caller', () => {
    const random = osRandom();
    const seen = new Set<string>();
    for (let draw = 0; draw < 2_000; draw++) {
      const bytes = random(16 + (draw % 17));
      assert.equal(bytes.length, 16 + (draw % 17));
      assert.ok(bytes.some((byte) => byte !== 0));
      const first = toHex(bytes.subarray(0, 16));
      assert.ok(!seen.has(first));
      seen.add(first);
      bytes.fill(0);
    }
    assert.equal(random(10_000).length, 10_000);
    assert.equal(random(0).length, 0);
  });
});
