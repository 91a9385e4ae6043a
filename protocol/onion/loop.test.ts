// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { FakeRegion } from '../../test/support/region.js';
import { sodiumCrypto as crypto } from '../crypto/sodium.js';
import { ProtocolError } from '../errors.js';
import type { Directory } from './directory-format.js';
import { packetLength } from './geometry.js';
import { loopsPerSlot, loopsToAlarm, makeLoop, MOST_LOOPS, type LoopMaker } from './loop.js';
import { encapsulatedKey, openInner, peelPacket } from './packet.js';

const kit = new FakeRegion({
  parameters: {
    onion: { layers: 3, meanDelayMilliseconds: 4_000, maximumDelayMeans: 5, offsetWindowSeconds: 20 },
  },
});
const { directory } = kit.directory(1);
const { onion } = kit.parameters;
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const MAKERS: readonly LoopMaker[] = ['control-center', ...directory.relays.map((_, relay) => ({ relay }))];

/** A tier of as many relays in each layer. */
function tierOf(relaysPerLayer: number): Directory {
  const [descriptor] = directory.relays;
  const relays = [1, 2, 3].flatMap((layer) =>
    Array.from({ length: relaysPerLayer }, () => ({
      ...descriptor!,
      descriptor: { ...descriptor!.descriptor, layer },
    })),
  );
  return { ...directory, relays };
}

describe('loops', () => {
  it('come by their maker, after the delays of the way there, with the key that it waits for', () => {
    for (const maker of MAKERS) {
      for (let round = 0; round < 10; round++) {
        const loop = makeLoop(crypto, { directory, maker, delays: onion, random });
        let { packet } = loop;
        let delay = 0;
        let cameBy = false;
        assert.equal(packet.length, packetLength(3), 'as long as a meter’s');
        loop.path.forEach(({ relay, delayMilliseconds }, index) => {
          const { layer, address } = directory.relays[relay]!.descriptor;
          assert.equal(layer, index + 1);
          if (maker !== 'control-center' && relay === maker.relay) {
            assert.deepEqual(encapsulatedKey(packet), loop.key);
            assert.equal(delay, loop.delayMilliseconds);
            cameBy = true;
          }
          const secretKey = kit.secret(`${address.split('.')[0]} onion 1`);
          const key = { epoch: 1, secretKey, publicKey: crypto.x25519PublicKey(secretKey) };
          const peeled = peelPacket(crypto, { key, layersLeft: 3 - index, packet });
          const isLast = index === 2;
          const end = maker === 'control-center' ? 'control-center' : 'mailbox';
          assert.equal(peeled.route.to, isLast ? end : 'relay');
          if (!isLast) {
            assert.deepEqual(peeled.route, { to: 'relay', relay: loop.path[index + 1]!.relay });
          }
          assert.equal(peeled.delayMilliseconds, delayMilliseconds);
          ({ packet } = peeled);
          delay += delayMilliseconds;
        });
        if (maker === 'control-center') {
          assert.deepEqual(encapsulatedKey(packet), loop.key);
          assert.equal(delay, loop.delayMilliseconds);
        } else {
          assert.ok(cameBy);
        }
      }
    }
  });

  it('carry nothing that anybody can open, as a packet of a meter to another’s hub', () => {
    const { packet, path } = makeLoop(crypto, { directory, maker: { relay: 0 }, delays: onion, random });
    const inner = path.reduce((rest, { relay }, index) => {
      const secretKey = kit.secret(`${directory.relays[relay]!.descriptor.address.split('.')[0]} onion 1`);
      const key = { epoch: 1, secretKey, publicKey: crypto.x25519PublicKey(secretKey) };
      return peelPacket(crypto, { key, layersLeft: 3 - index, packet: rest }).packet;
    }, packet);
    const secretKey = kit.secret('hub');
    const key = { epoch: 1, secretKey, publicKey: crypto.x25519PublicKey(secretKey) };
    assert.throws(() => openInner(crypto, 'hub', key, inner), ProtocolError);
  });

  it('go through every relay of the other layers, and end in mailboxes all over the last', () => {
    const seen = new Set<number>();
    for (let round = 0; round < 200; round++) {
      for (const { relay } of makeLoop(crypto, { directory, maker: { relay: 0 }, delays: onion, random }).path) {
        seen.add(relay);
      }
    }
    const others = directory.relays.flatMap(({ descriptor: { layer } }, relay) => (layer > 1 ? [relay] : []));
    assert.deepEqual(
      [...seen].sort((a, b) => a - b),
      [0, ...others],
    );
  });

  it('are a few hundred in a slot, however large the tier is', () => {
    for (const relaysPerLayer of [2, 3, 4, 10, 16]) {
      const tier = tierOf(relaysPerLayer);
      const each = loopsPerSlot(tier);
      assert.ok(each >= 4 && each <= MOST_LOOPS);
      assert.ok(each === 4 || each * tier.relays.length <= 192 + tier.relays.length);
    }
  });

  it('raise an alarm only when one dead relay is not a likely reason', () => {
    for (const entries of [2, 3, 4, 10, 100]) {
      const loops = loopsToAlarm(tierOf(entries));
      assert.ok(entries ** -loops <= 1 / 1_000);
      assert.ok(entries ** -(loops - 1) > 1 / 1_000, 'and no later than needed');
    }
  });
});
