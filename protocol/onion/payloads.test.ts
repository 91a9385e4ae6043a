// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { sodiumCrypto as crypto } from '../crypto/sodium.js';
import { ProtocolError } from '../errors.js';
import { ROW_LENGTH } from '../ledger/row.js';
import {
  authenticateControlCenterPayload,
  encodeControlCenterPayload,
  MAXIMUM_METER_NUMBER,
  openControlCenterPacket,
  sealControlCenterPacket,
  type ControlCenterPayload,
} from './control-center-payload.js';
import { HANDLE_PLACES, INNER_LENGTH, PAYLOAD_LENGTH, ROW_PLACES } from './geometry.js';
import { encodeHubPayload, openHubPacket, sealHubPacket, type HubKeys, type HubPayload } from './hub-payload.js';
import { fixedKey, fixedRandom, fixedSecret } from '../../test/support/onion.js';
import { openInner, sealInner } from './packet.js';

const EPOCH = 7;
const KEY = fixedKey('control center', EPOCH);
const LINK_KEY = fixedSecret('h_e');
const HUB: HubKeys = { ...fixedKey('hub', 0), pairingKey: fixedSecret('pairing') };

const refusedWith = (code: string) => (error: unknown) => error instanceof ProtocolError && error.code === code;

const uint = (bits: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: 2 ** bits - 1 });
/** Compared with what a parser makes: ordinary objects. */
const PLAIN = { noNullPrototype: true } as const;
const kArbitrary = fc.integer({ min: 1, max: 0xffff });
const slotArbitrary = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const fixed = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });

const controlCenterPayloads: fc.Arbitrary<ControlCenterPayload> = fc.record(
  {
    meterNumber: fc.integer({ min: 0, max: MAXIMUM_METER_NUMBER }),
    epoch: fc.constant(EPOCH),
    slotStartSeconds: slotArbitrary,
    rows: fc.array(fc.record({ k: kArbitrary, row: fixed(ROW_LENGTH) }, PLAIN), { maxLength: ROW_PLACES }),
  },
  PLAIN,
);
const hubPayloads: fc.Arbitrary<HubPayload> = fc.record(
  {
    slotStartSeconds: slotArbitrary,
    measuredMilliWattHours: fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
    carriedMilliWattHours: fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
    handles: fc.array(fc.record({ epoch: uint(16), k: kArbitrary, pseudonym: fixed(32) }, PLAIN), {
      maxLength: HANDLE_PLACES,
    }),
  },
  PLAIN,
);

describe('payload to the control center', () => {
  it('arrives as it was sent, always equally long', () => {
    fc.assert(
      fc.property(controlCenterPayloads, (payload) => {
        const packet = sealControlCenterPacket(crypto, {
          onionKey: KEY.publicKey,
          payload,
          linkKey: LINK_KEY,
          random: fixedRandom('seal'),
        });
        assert.equal(packet.length, INNER_LENGTH);
        const opened = openControlCenterPacket(crypto, KEY, packet);
        assert.deepEqual(opened.payload, payload);
        assert.ok(authenticateControlCenterPayload(crypto, opened, LINK_KEY));
      }),
    );
  });

  it('is authenticated as a whole, filler too', () => {
    const payload = { meterNumber: 5, epoch: EPOCH, slotStartSeconds: 900, rows: [] };
    const bytes = encodeControlCenterPayload(crypto, payload, LINK_KEY);
    const reopen = (changed: Uint8Array): boolean => {
      const packet = sealInner(crypto, {
        recipient: 'control-center',
        publicKey: KEY.publicKey,
        epoch: EPOCH,
        payload: changed,
        random: fixedRandom('seal'),
      });
      try {
        return authenticateControlCenterPayload(crypto, openControlCenterPacket(crypto, KEY, packet), LINK_KEY);
      } catch (error) {
        assert.ok(refusedWith('PACKET_INVALID')(error));
        return false;
      }
    };
    assert.ok(reopen(bytes));
    for (let position = 0; position < PAYLOAD_LENGTH; position++) {
      const changed = bytes.slice();
      changed[position]! ^= 1;
      assert.ok(!reopen(changed), `byte ${position}`);
    }
    const opened = openControlCenterPacket(
      crypto,
      KEY,
      sealControlCenterPacket(crypto, {
        onionKey: KEY.publicKey,
        payload,
        linkKey: LINK_KEY,
        random: fixedRandom('seal'),
      }),
    );
    assert.ok(!authenticateControlCenterPayload(crypto, opened, fixedSecret('another meter')));
  });

  it('is refused when it is not canonical', () => {
    const row = { k: 3, row: new Uint8Array(ROW_LENGTH).fill(9) };
    const payload = { meterNumber: 5, epoch: EPOCH, slotStartSeconds: 900, rows: [row] };
    const bytes = encodeControlCenterPayload(crypto, payload, LINK_KEY);
    const open = (change: (bytes: Uint8Array) => void): unknown => {
      const changed = bytes.slice();
      change(changed);
      const packet = sealInner(crypto, {
        recipient: 'control-center',
        publicKey: KEY.publicKey,
        epoch: EPOCH,
        payload: changed,
        random: fixedRandom('seal'),
      });
      return openControlCenterPacket(crypto, KEY, packet);
    };
    open(() => undefined);
    const refused = refusedWith('PACKET_INVALID');
    assert.throws(() => open((changed) => changed.fill(0, 14, 16)), refused, 'a row under k = 0');
    assert.throws(() => open((changed) => changed.copyWithin(14 + 2 * 179, 14, 14 + 179)), refused, 'a gap');
    assert.throws(() => open((changed) => (changed[PAYLOAD_LENGTH - 1] = 1)), refused, 'padding');
    assert.throws(() => open((changed) => changed.fill(0xff, 0, 4)), refused, 'the kept meter number');
    assert.throws(() => open((changed) => (changed[5] = EPOCH + 1)), refused, 'another epoch');
    assert.throws(() => open((changed) => changed.fill(0xff, 6, 14)), refused, 'a slot beyond 2^53');
  });

  it('is not made of what does not fit', () => {
    const row = { k: 1, row: new Uint8Array(ROW_LENGTH) };
    const encode = (change: Partial<ControlCenterPayload>): Uint8Array => {
      const payload = { meterNumber: 1, epoch: EPOCH, slotStartSeconds: 0, rows: [row], ...change };
      return encodeControlCenterPayload(crypto, payload, LINK_KEY);
    };
    assert.throws(() => encode({ rows: [row, row, row, row] }), refusedWith('LIMIT_EXCEEDED'));
    assert.throws(() => encode({ rows: [{ ...row, k: 0 }] }), refusedWith('K_RANGE'));
    assert.throws(() => encode({ rows: [{ ...row, k: 0x1_0000 }] }), refusedWith('K_RANGE'));
    assert.throws(() => encode({ rows: [{ ...row, row: new Uint8Array(176) }] }), refusedWith('BAD_LENGTH'));
    assert.throws(() => encode({ meterNumber: MAXIMUM_METER_NUMBER + 1 }), refusedWith('MALFORMED'));
  });
});

describe('payload to a hub', () => {
  it('arrives as it was sent, as long as one to the control center', () => {
    fc.assert(
      fc.property(hubPayloads, uint(16), (payload, epoch) => {
        const packet = sealHubPacket(crypto, { hub: HUB, epoch, payload, random: fixedRandom('seal') });
        assert.equal(packet.length, INNER_LENGTH);
        assert.deepEqual(openHubPacket(crypto, HUB, packet), payload);
      }),
    );
  });

  it('is refused from anybody but the paired meter', () => {
    const payload: HubPayload = {
      slotStartSeconds: 900,
      measuredMilliWattHours: 1n,
      carriedMilliWattHours: 0n,
      handles: [{ epoch: 1, k: 1, pseudonym: fixedSecret('stranger') }],
    };
    const forged = sealHubPacket(crypto, {
      hub: { ...HUB, pairingKey: fixedSecret('guess') },
      epoch: 1,
      payload,
      random: fixedRandom('f'),
    });
    assert.throws(() => openHubPacket(crypto, HUB, forged), refusedWith('PACKET_INVALID'));
    const bytes = encodeHubPayload(crypto, payload, HUB.pairingKey);
    for (let position = 0; position < PAYLOAD_LENGTH; position++) {
      const changed = bytes.slice();
      changed[position]! ^= 1;
      const packet = sealInner(crypto, {
        recipient: 'hub',
        publicKey: HUB.publicKey,
        epoch: 1,
        payload: changed,
        random: fixedRandom('seal'),
      });
      assert.throws(() => openHubPacket(crypto, HUB, packet), refusedWith('PACKET_INVALID'), `byte ${position}`);
    }
  });

  it('does not open as one to the control center, nor the other way round', () => {
    const payload = encodeHubPayload(
      crypto,
      { slotStartSeconds: 0, measuredMilliWattHours: 0n, carriedMilliWattHours: 0n, handles: [] },
      HUB.pairingKey,
    );
    for (const [one, other] of [
      ['hub', 'control-center'],
      ['control-center', 'hub'],
    ] as const) {
      const packet = sealInner(crypto, {
        recipient: one,
        publicKey: KEY.publicKey,
        epoch: EPOCH,
        payload,
        random: fixedRandom('seal'),
      });
      assert.deepEqual(openInner(crypto, one, KEY, packet), payload);
      assert.throws(() => openInner(crypto, other, KEY, packet), refusedWith('DECRYPT_FAILED'));
    }
  });
});
