// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import type { Directory } from './directory-format.js';
import { mostMeters, packetsToNextHop } from './directory-shares.js';
import { loopsPerSlot } from './loop.js';

/** As many relays in each layer; nothing of them matters but the layer. */
function directoryOf(layers: number, perLayer: number): Directory {
  const relays = Array.from({ length: layers * perLayer }, (_, index) => ({
    descriptor: { layer: 1 + Math.floor(index / perLayer) },
  }));
  return { layers, relays } as unknown as Directory;
}

/** A generator of the test's own, so that a failure can be repeated (mulberry32). */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/**
 * One slot of a full region: its packets along random paths. In the worst case all mailboxes are at one relay.
 *
 * @returns the packets of the busiest link into each layer, the control center's last
 */
function busiestLinks(
  directory: Directory,
  perLayer: number,
  meters: number,
  draw: (below: number) => number,
): number[] {
  const { layers, relays } = directory;
  const counts = Array.from({ length: layers + 1 }, () => new Uint32Array(perLayer * perLayer));
  const send = (toHub: boolean): void => {
    let at = draw(perLayer);
    for (let layer = 2; layer <= layers + 1; layer++) {
      if (layer > layers && toHub) {
        return;
      }
      const isEnd = layer > layers || (toHub && layer === layers);
      const next = isEnd ? 0 : draw(perLayer);
      counts[layer - 1]![at * perLayer + next]!++;
      at = next;
    }
  };
  const loops = loopsPerSlot(directory);
  for (let packet = 0; packet < meters + loops; packet++) {
    send(false);
  }
  for (let packet = 0; packet < meters + relays.length * loops; packet++) {
    send(true);
  }
  return counts.slice(1).map((links) => Math.max(...links));
}

describe('shares of a neighbour', () => {
  it('are of a full region, whatever it has', () => {
    assert.deepEqual([0, 5, 12, 13, 20].map(mostMeters), [1, 32, 4_096, 5_000, 5_000]);
    const tier = directoryOf(4, 3);
    assert.deepEqual(
      [2, 3, 4, 5].map((layer) => packetsToNextHop(tier, 13, layer)),
      [2_824, 2_824, 5_358, 4_016],
    );
  });

  it('are never used up by honest traffic, however unlucky its paths: 1,000 slots of each tier', () => {
    let worst = 0;
    for (const [layers, perLayer, depth] of [
      [4, 3, 6],
      [4, 3, 9],
      [3, 2, 4],
      [2, 2, 0],
      [4, 12, 9],
      [4, 40, 4],
    ] as const) {
      const directory = directoryOf(layers, perLayer);
      const draw = generator(layers * 1_000 + perLayer);
      for (let slot = 0; slot < 1_000; slot++) {
        busiestLinks(directory, perLayer, mostMeters(depth), draw).forEach((busiest, index) => {
          const share = packetsToNextHop(directory, depth, index + 2);
          worst = Math.max(worst, busiest / share);
          assert.ok(2 * busiest <= share, `${busiest} of ${share} at layer ${index + 2} of ${layers} × ${perLayer}`);
        });
      }
    }
    assert.ok(worst > 0.1, `the busiest link uses ${worst.toFixed(2)} of its share: the bound bounds something`);
  }).timeout(20_000);
});
