// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BACK_ENDS } from '../../test/support/frozen-vectors.js';
import { concatBytes, equalBytes } from '../crypto/bytes.js';
import { hpkeSeal } from '../crypto/hpke.js';
import { sodiumCrypto as crypto } from '../crypto/sodium.js';
import { ProtocolError } from '../errors.js';
import { INNER_LENGTH, MAXIMUM_LAYERS, packetLength, PACKET_VERSION } from './geometry.js';
import { fixedKey, fixedRandom, layersTo } from '../../test/support/onion.js';
import { encapsulatedKey, packetEpoch, peelPacket, wrapPacket, type OnionKeyPair, type PacketRoute } from './packet.js';

const EPOCH = 7;
const KEYS = [1, 2, 3, 4].map((layer) => fixedKey(`relay ${layer}`, EPOCH));
const INNER = fixedRandom('inner')(INNER_LENGTH);
const MAILBOX: PacketRoute = { to: 'mailbox', mailbox: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) };
const CONTROL_CENTER: PacketRoute = { to: 'control-center' };

const wrap = (end: PacketRoute, keys: readonly OnionKeyPair[] = KEYS, inner = INNER): Uint8Array =>
  wrapPacket(crypto, { epoch: EPOCH, layers: layersTo(end, keys), inner, random: fixedRandom('wrap') })[0];

/** What a relay does with what it cannot use: it throws one of these, and nothing else. */
function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof ProtocolError, String(error));
    return error.code;
  }
  return 'accepted';
}

describe('onion packet', () => {
  for (const backEnd of BACK_ENDS) {
    it(`is peeled layer by layer to the inner packet (${backEnd.name})`, () => {
      for (const end of [MAILBOX, CONTROL_CENTER]) {
        let packet = wrap(end);
        KEYS.forEach((key, index) => {
          const layersLeft = KEYS.length - index;
          assert.equal(packet.length, packetLength(layersLeft));
          const peeled = peelPacket(backEnd, { key, layersLeft, packet });
          assert.equal(peeled.delayMilliseconds, 100 * (index + 1));
          assert.deepEqual(peeled.route, layersLeft === 1 ? end : { to: 'relay', relay: index + 1 });
          packet = peeled.packet;
        });
        assert.ok(equalBytes(packet, INNER));
      }
    });
  }

  it('has one size on the links of a layer, wherever it goes', () => {
    const sizes = (end: PacketRoute): number[] => {
      let packet = wrap(end);
      return KEYS.map((key, index) => {
        const { length } = packet;
        packet = peelPacket(crypto, { key, layersLeft: KEYS.length - index, packet }).packet;
        return length;
      });
    };
    assert.deepEqual(sizes(MAILBOX), sizes(CONTROL_CENTER));
    assert.deepEqual(sizes(MAILBOX), [967, 900, 833, 766]);
    assert.equal(INNER_LENGTH, 699);
  });

  it('is dropped by the next honest relay when any byte is changed, on any link', () => {
    let packet = wrap(MAILBOX);
    KEYS.forEach((key, index) => {
      const layersLeft = KEYS.length - index;
      for (let position = 0; position < packet.length; position++) {
        for (const change of [0x01, 0x80]) {
          const changed = packet.slice();
          changed[position]! ^= change;
          const code = refusal(() => peelPacket(crypto, { key, layersLeft, packet: changed }));
          const expected = position < 3 ? 'PACKET_INVALID' : 'DECRYPT_FAILED';
          assert.equal(code, expected, `layer ${index + 1}, byte ${position}, change ${change}`);
        }
      }
      packet = peelPacket(crypto, { key, layersLeft, packet }).packet;
    });
  });

  it('opens only under its own key, epoch and layer', () => {
    const packet = wrap(CONTROL_CENTER);
    assert.equal(
      refusal(() => peelPacket(crypto, { key: KEYS[1]!, layersLeft: 4, packet })),
      'DECRYPT_FAILED',
    );
    assert.equal(
      refusal(() => peelPacket(crypto, { key: { ...KEYS[0]!, epoch: EPOCH + 1 }, layersLeft: 4, packet })),
      'PACKET_INVALID',
    );
    assert.equal(
      refusal(() => peelPacket(crypto, { key: KEYS[0]!, layersLeft: 3, packet })),
      'PACKET_INVALID',
    );
    const renamed = packet.slice();
    renamed[2] = EPOCH + 1;
    assert.equal(
      refusal(() => peelPacket(crypto, { key: { ...KEYS[0]!, epoch: EPOCH + 1 }, layersLeft: 4, packet: renamed })),
      'DECRYPT_FAILED',
    );
  });

  it('is refused for every header that a sender cannot make', () => {
    const [key] = KEYS;
    const withHeader = (change: (header: Uint8Array) => void, layersLeft: number): string => {
      const header = new Uint8Array(16);
      change(header);
      const rest = new Uint8Array(packetLength(layersLeft - 1));
      const prefix = Uint8Array.of(PACKET_VERSION, 0, EPOCH);
      const info = new TextEncoder().encode('gridveil/v1/onion layer');
      const box = hpkeSeal(crypto, {
        ephemeralSecretKey: fixedRandom('h')(32),
        recipientPublicKey: key!.publicKey,
        info,
        aad: prefix,
        plaintext: concatBytes(header, rest),
      });
      return refusal(() => peelPacket(crypto, { key: key!, layersLeft, packet: concatBytes(prefix, box) }));
    };
    assert.equal(
      withHeader(() => undefined, 2),
      'accepted',
    );
    assert.equal(
      withHeader((header) => (header[0] = 1), 1),
      'accepted',
    );
    const bad: [string, (header: Uint8Array) => void, number][] = [
      ['an unknown flag', (header) => (header[0] = 3), 1],
      ['the zero byte', (header) => (header[15] = 1), 2],
      ['a mailbox beside a relay', (header) => (header[14] = 1), 2],
      ['a mailbox beside the control center', (header) => header.set([1, 0, 0, 0, 0, 0, 0, 9]), 1],
      ['a relay beside the control center', (header) => header.set([1, 0, 1]), 1],
      ['a relay beside a mailbox', (header) => header.set([2, 1, 0]), 1],
      ['a relay after the last layer', () => undefined, 1],
      ['the control center before the last layer', (header) => (header[0] = 1), 2],
      ['a mailbox before the last layer', (header) => (header[0] = 2), 2],
    ];
    for (const [what, change, layersLeft] of bad) {
      assert.equal(withHeader(change, layersLeft), 'PACKET_INVALID', what);
    }
  });

  it('never breaks the relay, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1_000 }), fc.integer({ min: 0, max: 8 }), (bytes, layersLeft) => {
        assert.notEqual(
          refusal(() => peelPacket(crypto, { key: KEYS[0]!, layersLeft, packet: bytes })),
          'accepted',
        );
      }),
    );
    const length = packetLength(4);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: length, maxLength: length }), (bytes) => {
        bytes.set([PACKET_VERSION, 0, EPOCH]);
        assert.notEqual(
          refusal(() => peelPacket(crypto, { key: KEYS[0]!, layersLeft: 4, packet: bytes })),
          'accepted',
        );
      }),
    );
  });

  it('carries any delay, next hop and mailbox over any number of layers', () => {
    const end = fc.oneof(
      fc.constant(CONTROL_CENTER),
      fc.uint8Array({ minLength: 8, maxLength: 8 }).map((mailbox): PacketRoute => ({ to: 'mailbox', mailbox })),
    );
    const hop = fc.record({
      relay: fc.integer({ min: 0, max: 0xffff }),
      delayMilliseconds: fc.integer({ min: 0, max: 0xffff_ffff }),
    });
    fc.assert(
      fc.property(fc.array(hop, { minLength: 1, maxLength: MAXIMUM_LAYERS }), end, (hops, destination) => {
        const keys = hops.map((_, index) => fixedKey(`relay ${index}`, EPOCH));
        const layers = hops.map(({ relay, delayMilliseconds }, index) => ({
          onionKey: keys[index]!.publicKey,
          delayMilliseconds,
          route: index === hops.length - 1 ? destination : ({ to: 'relay', relay } as const),
        }));
        let [packet] = wrapPacket(crypto, { epoch: EPOCH, layers, inner: INNER, random: fixedRandom('property') });
        layers.forEach(({ delayMilliseconds, route }, index) => {
          const peeled = peelPacket(crypto, { key: keys[index]!, layersLeft: hops.length - index, packet });
          assert.deepEqual([peeled.delayMilliseconds, peeled.route], [delayMilliseconds, route]);
          packet = peeled.packet;
        });
        assert.ok(equalBytes(packet, INNER));
      }),
      { numRuns: 50 },
    );
  });

  it('is not made of bad layers', () => {
    const layers = layersTo(CONTROL_CENTER, KEYS);
    const random = fixedRandom('bad');
    const code = (bad: typeof layers, inner = INNER): string =>
      refusal(() => wrapPacket(crypto, { epoch: EPOCH, layers: bad, inner, random }));
    assert.equal(code([]), 'PACKET_INVALID');
    assert.equal(code(Array.from({ length: 9 }, () => layers[0]!)), 'PACKET_INVALID');
    assert.equal(code(layers.slice(0, 2)), 'PACKET_INVALID');
    assert.equal(code([layers[3]!, layers[3]!]), 'PACKET_INVALID');
    assert.equal(code(layers, INNER.subarray(1)), 'BAD_LENGTH');
    assert.equal(code([{ ...layers[3]!, onionKey: new Uint8Array(32) }]), 'ZERO_SHARED_SECRET');
    assert.equal(code([{ ...layers[3]!, delayMilliseconds: -1 }]), 'LIMIT_EXCEEDED');
  });

  it('names its epoch and its encapsulated key', () => {
    const packet = wrap(MAILBOX);
    assert.equal(packetEpoch(packet), EPOCH);
    assert.equal(packetEpoch(packet.subarray(0, 2)), undefined);
    assert.equal(packetEpoch(Uint8Array.of(2, 0, EPOCH)), undefined);
    assert.deepEqual(encapsulatedKey(packet), packet.subarray(3, 35));
    const [other] = wrapPacket(crypto, {
      epoch: EPOCH,
      layers: layersTo(MAILBOX, KEYS),
      inner: INNER,
      random: fixedRandom('other'),
    });
    assert.notDeepEqual(encapsulatedKey(other), encapsulatedKey(packet));
  });
});
