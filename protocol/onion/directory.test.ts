// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { FakeRegion } from '../../test/support/region.js';
import { fromHex } from '../crypto/bytes.js';
import { sodiumCrypto as crypto } from '../crypto/sodium.js';
import { ProtocolError } from '../errors.js';
import { directoryValidity } from '../schedule/epochs.js';
import { rowTimeSeconds } from '../schedule/windows.js';
import { checkDescriptor, checkDirectory, chooseRelays, relaysOfLayer, sortDescriptors } from './directory.js';
import {
  decodeSignedDescriptor,
  decodeSignedDirectory,
  encodeSignedDescriptor,
  encodeSignedDirectory,
  signDescriptor,
  signDirectory,
  type Directory,
  type RelayDescriptor,
  type SignedDescriptor,
} from './directory-format.js';

const EPOCH = 3;
const kit = new FakeRegion();
const signed = kit.directory(EPOCH);
const expected = {
  region: kit.region,
  epoch: EPOCH,
  layers: kit.parameters.onion.layers,
  timing: kit.parameters,
  signaturePublicKey: kit.controlCenter.publicKey,
};

const refusedWith = (code: string) => (error: unknown) => error instanceof ProtocolError && error.code === code;
const invalid = refusedWith('DIRECTORY_INVALID');
const check = (directory: Directory): void =>
  checkDirectory(crypto, signDirectory(crypto, directory, kit.controlCenter), expected);

/** The directory with relay `index` changed, everything signed anew by its owner. */
function withRelay(index: number, change: Partial<RelayDescriptor>): Directory {
  const relays = signed.directory.relays.map(({ descriptor }, position) => {
    const number = (position & 1) + 1;
    const key = kit.signingKey(`relay-${descriptor.layer}-${number}`);
    return signDescriptor(crypto, position === index ? { ...descriptor, ...change } : descriptor, key);
  });
  return { ...signed.directory, relays };
}

/** Of small order, and the second spellings of a good one. */
const BAD_ONION_KEYS = [
  new Uint8Array(32),
  Uint8Array.from({ length: 32 }, (_, index) => (index === 0 ? 1 : 0)),
  signed.directory.relays[0]!.descriptor.onionKey.map((byte, index) => (index === 31 ? byte | 0x80 : byte)),
];

/** The base point of Ed25519 plus a point of order 8. */
const MIXED_ORDER = 'da99e28ba529cdde35a25fba9059e78ecaee239f99755b9b1aa4f65df00803e2';

describe('relay directory', () => {
  it('is refused with a key or an address that a sender could not use, the control center’s too', () => {
    const { controlCenter } = signed.directory;
    for (const onionKey of BAD_ONION_KEYS) {
      assert.throws(() => check(withRelay(0, { onionKey })), refusedWith('BAD_POINT'));
      const bad = { ...signed.directory, controlCenter: { ...controlCenter, onionKey } };
      assert.throws(() => check(bad), refusedWith('BAD_POINT'));
    }
    // Its owner can make a signature that verifies: one in eight challenges is a multiple of 8.
    const key = kit.signingKey('relay-1-1');
    const relay = { ...signed.directory.relays[0]!.descriptor, identity: fromHex(MIXED_ORDER) };
    assert.throws(
      () => checkDescriptor({ ...crypto, ed25519Verify: () => true }, signDescriptor(crypto, relay, key), expected),
      refusedWith('BAD_POINT'),
    );
    assert.throws(() => check(withRelay(3, { address: 'z:65536' })), refusedWith('MALFORMED'));
  });

  it('skips, of two relays that conflict, the one admitted later, and says why', () => {
    const { controlCenter, relays } = signed.directory;
    const [one, two] = relays as [SignedDescriptor, SignedDescriptor];
    const late = (change: Partial<RelayDescriptor>): SignedDescriptor => {
      const key = kit.signingKey('late');
      const own = {
        identity: key.publicKey,
        linkPin: kit.secret('late link'),
        onionKey: crypto.x25519PublicKey(kit.secret('late onion')),
        operator: 'late',
        address: 'late.gridveil.invalid:7000',
      };
      return signDescriptor(crypto, { ...one.descriptor, ...own, ...change }, key);
    };
    const reasons: [Partial<RelayDescriptor>, RegExp][] = [
      [{ address: one.descriptor.address }, /an address occurs twice: it is that of relay relay-1-1\S* of relay-1-1/],
      [{ address: controlCenter.address }, /an address occurs twice: it is that of the control center/],
      [{ linkPin: two.descriptor.linkPin }, /a link key/],
      [{ linkPin: controlCenter.linkPin }, /a link key .* the control center/],
      [{ onionKey: two.descriptor.onionKey }, /an onion key/],
      [{ onionKey: controlCenter.onionKey }, /an onion key .* the control center/],
      [{ identity: two.descriptor.identity }, /an identity/],
      [{ operator: 'relay-2-1' }, /an operator serves two layers/],
    ];
    for (const [change, reason] of reasons) {
      const { relays: chosen, leftOut } = chooseRelays(controlCenter, [...relays, late(change)]);
      assert.deepEqual(chosen, relays);
      assert.equal(leftOut.length, 1);
      assert.match(leftOut[0]!.reason, reason);
    }
    const first = late({ address: one.descriptor.address });
    const { leftOut } = chooseRelays(controlCenter, [first, ...relays]);
    assert.deepEqual(
      leftOut.map(({ descriptor }) => descriptor.operator),
      ['relay-1-1'],
      'admitted later',
    );
    const all = chooseRelays(controlCenter, [late({}), ...relays]);
    assert.equal(all.leftOut.length, 0);
    check({ ...signed.directory, relays: all.relays });
  });

  it('is accepted as the control center made it, and reads back to the byte', () => {
    checkDirectory(crypto, signed, expected);
    check(withRelay(0, {}));
    const bytes = encodeSignedDirectory(signed);
    assert.deepEqual(decodeSignedDirectory(bytes), signed);
    assert.deepEqual(encodeSignedDirectory(decodeSignedDirectory(bytes)), bytes);
    assert.deepEqual(relaysOfLayer(signed.directory, 2), [2, 3]);
  });

  it('holds from the first to the last row of its epoch', () => {
    const { validFromSeconds, validUntilSeconds } = directoryValidity(kit.parameters, EPOCH);
    const first = kit.parameters.epochOriginSeconds + EPOCH * kit.parameters.epochSeconds;
    const last = first + kit.parameters.epochSeconds - kit.parameters.intervalSeconds;
    assert.equal(validFromSeconds, rowTimeSeconds(kit.parameters, first));
    assert.equal(validUntilSeconds, rowTimeSeconds(kit.parameters, last) + kit.parameters.intervalSeconds);
    assert.equal(directoryValidity(kit.parameters, EPOCH + 1).validFromSeconds, validUntilSeconds);
  });

  it('is refused when any byte of it is changed', () => {
    const bytes = encodeSignedDirectory(signed);
    for (let position = 0; position < bytes.length; position++) {
      const changed = bytes.slice();
      changed[position]! ^= 1;
      assert.throws(
        () => checkDirectory(crypto, decodeSignedDirectory(changed), expected),
        ProtocolError,
        `byte ${position}`,
      );
    }
  });

  it('is refused for another region, epoch, time or number of layers', () => {
    const { directory } = signed;
    assert.throws(() => checkDirectory(crypto, signed, { ...expected, epoch: EPOCH + 1 }), invalid);
    assert.throws(() => checkDirectory(crypto, signed, { ...expected, region: 'paris' }), invalid);
    assert.throws(() => checkDirectory(crypto, signed, { ...expected, layers: 1 }), invalid);
    assert.throws(() => check({ ...directory, validFromSeconds: directory.validFromSeconds + 1 }), invalid);
    assert.throws(() => check({ ...directory, validUntilSeconds: directory.validUntilSeconds + 1 }), invalid);
  });

  it('is refused when it is not signed by the control center, or a descriptor not by its relay', () => {
    const stranger = kit.signingKey('stranger');
    assert.throws(
      () => checkDirectory(crypto, signDirectory(crypto, signed.directory, stranger), expected),
      refusedWith('BAD_SIGNATURE'),
    );
    const [first, ...rest] = signed.directory.relays;
    const forged = signDescriptor(crypto, first!.descriptor, stranger);
    assert.throws(() => check({ ...signed.directory, relays: [forged, ...rest] }), refusedWith('BAD_SIGNATURE'));
  });

  it('is refused when an operator serves two layers', () => {
    const operator = signed.directory.relays[0]!.descriptor.operator;
    assert.throws(() => check(withRelay(2, { operator })), /operator serves two layers/);
    check(withRelay(1, { operator }));
  });

  it('is refused when a layer has less than two relays, or a relay is in none', () => {
    const { relays } = signed.directory;
    assert.throws(() => check({ ...signed.directory, relays: relays.slice(1) }), /layer 1 has too few/);
    assert.throws(() => check({ ...signed.directory, relays: relays.slice(0, 3) }), /layer 2 has too few/);
    assert.throws(() => check({ ...signed.directory, relays: [] }), invalid);
    assert.throws(() => check(withRelay(3, { layer: 3 })), invalid);
  });

  it('is refused out of order, and with anything twice', () => {
    const { relays, controlCenter } = signed.directory;
    assert.throws(() => check({ ...signed.directory, relays: [...relays].reverse() }), invalid);
    assert.throws(() => check({ ...signed.directory, relays: [relays[0]!, ...relays] }), invalid);
    assert.deepEqual(sortDescriptors([...relays].reverse()), relays);
    const { linkPin, onionKey, identity } = relays[0]!.descriptor;
    for (const change of [{ linkPin }, { onionKey }, { linkPin: controlCenter.linkPin }]) {
      assert.throws(() => check(withRelay(1, change)), /occurs twice/);
    }
    const key = kit.signingKey('relay-1-1');
    const twin = signDescriptor(crypto, { ...relays[1]!.descriptor, identity }, key);
    assert.throws(() => check({ ...signed.directory, relays: [relays[0]!, twin, ...relays.slice(2)] }), /identity/);
  });

  it('accepts only well-formed descriptors', () => {
    const [{ descriptor }] = signed.directory.relays as [(typeof signed.directory.relays)[number]];
    const key = kit.signingKey('relay-1-1');
    const roundTrip = (change: Partial<RelayDescriptor>): unknown =>
      decodeSignedDescriptor(encodeSignedDescriptor(signDescriptor(crypto, { ...descriptor, ...change }, key)));
    for (const address of ['relay:1', '127.0.0.1:65535', '[::1]:7000', 'a.b-c.example:80']) {
      roundTrip({ address });
    }
    for (const address of [
      'relay',
      ':7000',
      'relay:',
      'relay:0',
      'relay:123456',
      'Relay:1',
      'a b:1',
      '[x]:1',
      'relay:65536',
      'relay:080',
      'relay\n:1',
      'a..b:1',
      '-a:1',
      '.:1',
      `${'a'.repeat(64)}:1`,
      '1.2.3:1',
      '256.1.1.1:1',
      '01.2.3.4:1',
      '[0:0::1]:1',
      '[::ffff:1.2.3.4]:1',
      '::1:1',
      `${'a.'.repeat(126)}ab:1`,
    ]) {
      assert.throws(() => roundTrip({ address }), refusedWith('MALFORMED'), address);
    }
    assert.throws(() => roundTrip({ operator: 'Upper' }), refusedWith('MALFORMED'));
    assert.throws(() => roundTrip({ layer: 0 }), refusedWith('MALFORMED'));
    assert.throws(() => roundTrip({ layer: 9 }), refusedWith('MALFORMED'));
    assert.throws(() => roundTrip({ linkPin: new Uint8Array(31) }), refusedWith('MALFORMED'));
    for (const onionKey of BAD_ONION_KEYS) {
      const bad = signDescriptor(crypto, { ...descriptor, onionKey }, key);
      assert.throws(() => checkDescriptor(crypto, bad, expected), refusedWith('BAD_POINT'));
    }
    // A descriptor that was not decoded from bytes, as in the control center's memory.
    const badPort = signDescriptor(crypto, { ...descriptor, address: 'relay:65536' }, key);
    assert.throws(() => checkDescriptor(crypto, badPort, expected), refusedWith('MALFORMED'));
    const other = signDescriptor(crypto, { ...descriptor, epoch: EPOCH + 1 }, key);
    assert.throws(() => checkDescriptor(crypto, other, expected), invalid);
  });
});
