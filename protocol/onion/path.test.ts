// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { FakeRegion } from '../../test/support/region.js';
import { equalBytes } from '../crypto/bytes.js';
import { sodiumCrypto as crypto } from '../crypto/sodium.js';
import { ProtocolError } from '../errors.js';
import { INNER_LENGTH } from './geometry.js';
import { fixedRandom } from '../../test/support/onion.js';
import { peelPacket } from './packet.js';
import { drawDelay, drawIndex, drawPath, maximumDelayMilliseconds, wrapForPath } from './path.js';

const kit = new FakeRegion({
  parameters: {
    onion: { layers: 3, meanDelayMilliseconds: 4_000, maximumDelayMeans: 5, offsetWindowSeconds: 20 },
  },
});
const { directory } = kit.directory(1);
const delays = kit.parameters.onion;
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const MAILBOX = { to: 'mailbox', relay: 5, mailbox: new Uint8Array(8).fill(7) } as const;
const CONTROL_CENTER = { to: 'control-center' } as const;

describe('path through the onion tier', () => {
  it('selects one relay of every layer, in order, of as many operators', () => {
    for (let round = 0; round < 100; round++) {
      const path = drawPath(directory, CONTROL_CENTER, delays, random);
      const descriptors = path.map(({ relay }) => directory.relays[relay]!.descriptor);
      assert.deepEqual(
        descriptors.map(({ layer }) => layer),
        [1, 2, 3],
      );
      assert.equal(new Set(descriptors.map(({ operator }) => operator)).size, 3);
    }
  });

  it('is uniform: each of 8 paths comes up as often as chance allows', () => {
    const draws = 8_000;
    const counts = new Map<string, number>();
    for (let round = 0; round < draws; round++) {
      const key = drawPath(directory, CONTROL_CENTER, delays, random)
        .map(({ relay }) => relay)
        .join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const expected = draws / 8;
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    assert.equal(counts.size, 8);
    // 7 degrees of freedom; exceeded by chance once in a million runs.
    assert.ok(chiSquare < 40.5, `chi-square ${chiSquare}`);
  });

  it('ends at the mailbox’s relay, which must be in the last layer', () => {
    const path = drawPath(directory, MAILBOX, delays, random);
    assert.equal(path.at(-1)!.relay, 5);
    for (const relay of [0, 3, 6]) {
      assert.throws(() => drawPath(directory, { ...MAILBOX, relay }, delays, random), ProtocolError);
    }
  });

  it('makes packets that the relays of the path can open', () => {
    const inner = random(INNER_LENGTH);
    for (const destination of [MAILBOX, CONTROL_CENTER]) {
      const path = drawPath(directory, destination, delays, random);
      let [packet] = wrapForPath(crypto, { directory, path, destination, inner, random });
      path.forEach(({ relay, delayMilliseconds }, index) => {
        const { layer, address } = directory.relays[relay]!.descriptor;
        const secretKey = kit.secret(`${address.split('.')[0]} onion 1`);
        const key = { epoch: 1, secretKey, publicKey: crypto.x25519PublicKey(secretKey) };
        const peeled = peelPacket(crypto, { key, layersLeft: 4 - layer, packet });
        assert.equal(peeled.delayMilliseconds, delayMilliseconds);
        if (index < 2) {
          assert.deepEqual(peeled.route, { to: 'relay', relay: path[index + 1]!.relay });
        } else if (destination.to === 'mailbox') {
          assert.deepEqual(peeled.route, { to: 'mailbox', mailbox: destination.mailbox });
        } else {
          assert.deepEqual(peeled.route, { to: 'control-center' });
        }
        packet = peeled.packet;
      });
      assert.ok(equalBytes(packet, inner));
    }
  });
});

describe('delays', () => {
  it('are exponential, cut at five means', () => {
    const draws = 20_000;
    const values = Array.from({ length: draws }, () => drawDelay(delays, random));
    assert.ok(values.every((value) => Number.isInteger(value) && value >= 0));
    assert.ok(Math.max(...values) <= maximumDelayMilliseconds(delays));
    // Kolmogorov-Smirnov against the truncated exponential; 2.5/√n is exceeded once in 130,000 runs.
    const cut = 1 - Math.exp(-5);
    const distribution = (value: number): number => (1 - Math.exp(-value / 4_000)) / cut;
    values.sort((a, b) => a - b);
    const distance = Math.max(...values.map((value, index) => Math.abs(distribution(value) - index / draws)));
    assert.ok(distance < 2.5 / Math.sqrt(draws), `distance ${distance}`);
  });

  it('are zero when the mean is', () =>
    assert.equal(drawDelay({ meanDelayMilliseconds: 0, maximumDelayMeans: 5 }, fixedRandom('zero')), 0));

  it('draw an index without bias, and refuse to draw from nothing', () => {
    const counts = [0, 0, 0];
    for (let round = 0; round < 6_000; round++) {
      counts[drawIndex(3, random)]!++;
    }
    for (const count of counts) {
      assert.ok(Math.abs(count - 2_000) < 200, `${count}`);
    }
    // 2^32 is 1 more than a multiple of 3: the one word too many is drawn again.
    const words = [Uint8Array.of(255, 255, 255, 255), Uint8Array.of(0, 0, 0, 5)];
    assert.equal(
      drawIndex(3, () => words.shift()!),
      2,
    );
    assert.throws(() => drawIndex(0, random), ProtocolError);
  });
});
