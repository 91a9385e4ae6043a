// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { INNER_LENGTH } from '../../../protocol/onion/geometry.js';
import { FakeRegion } from '../../../test/support/region.js';
import { connectOptions, identityOf, osRandom, targetOf, timersOn, until } from '../../../test/support/links.js';
import { OutgoingLink } from '../../links/connect.js';
import { FRAME } from '../../links/frames.js';
import type { LinkEnd } from '../../links/link.js';
import { SystemClock } from '../../runtime/clock.js';
import { createLog } from '../../runtime/log.js';
import { listenForRelays, type OnionExitParts } from './onion-exit.js';

/** Epoch 0 had three layers; since epoch 1 there are two. */
const PRESENT_EPOCH = 1;

describe('client-apps/control-center/intake onion exit', () => {
  it('does not hold against a relay of the last layer what the senders of its packets chose', async () => {
    const { parameters } = new FakeRegion();
    const clock = new SystemClock();
    const timers = timersOn(clock);
    const withLayers = (layers: number) => ({ ...parameters, onion: { ...parameters.onion, layers } });
    const present = withLayers(2);
    const directory = { layers: 2, relays: [1, 1, 2, 2].map((layer) => ({ descriptor: { layer } })) };
    let received = 0;
    const parts = {
      center: {
        ...{ clock, timers, log: createLog('control-center', 'silent') },
        versions: {
          first: withLayers(3),
          at: () => present,
          ofEpoch: (epoch: number) => (epoch < PRESENT_EPOCH ? withLayers(3) : present),
        },
        epochs: { all: () => [{ number: PRESENT_EPOCH, directory: { directory } }] },
      },
      config: { links: { host: '127.0.0.1', port: 0 } },
      identity: await identityOf('control center'),
      intake: {
        receive: () => {
          received++;
          return Promise.resolve();
        },
      },
      descriptors: { relayOf: () => ({ operator: 'honest', layer: 2 }) },
      nextEpoch: () => PRESENT_EPOCH + 1,
      loops: { came: () => false },
    } as unknown as OnionExitParts;
    const listener = await listenForRelays(parts);
    const ends: LinkEnd[] = [];
    const options = await connectOptions('relay', { onDown: (_link, reason) => void ends.push(reason) });
    const relay = new OutgoingLink(targetOf('control center', listener.port), options);
    const packet = (epoch: number): Uint8Array => {
      const bytes = osRandom(INNER_LENGTH);
      bytes.set([1, 0, epoch]);
      return bytes;
    };
    for (let count = 0; count < 20; count++) {
      relay.send(FRAME.packet, packet(PRESENT_EPOCH - 1));
    }
    // The second is not in the same read as what may have been refused.
    for (const count of [1, 2]) {
      relay.send(FRAME.packet, packet(PRESENT_EPOCH));
      await until('the packet of the present epoch came', () => received === count);
    }
    assert.deepEqual(ends, []);
    await relay.close();
    timers.stop();
    await listener.close();
  });
});
