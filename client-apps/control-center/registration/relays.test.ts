// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { concatBytes, toHex } from '../../../protocol/crypto/bytes.js';
import { decodeSignedDirectory, MAXIMUM_RELAYS } from '../../../protocol/onion/directory-format.js';
import {
  ControlCenterUnderTest,
  random,
  EnrollingMeter,
  FakeRelay,
  type RunningCenter,
} from '../../../test/support/control-center.js';
import { DirectoryBulletin } from '../../bulletin/reader.js';
import { enrol, enrolRelay, type EnrolmentRefusal, type RelayEnrolment } from '../../links/enrolment-client.js';
import { PinnedHttps } from '../../links/pinned-https.js';
import { SealedStore } from '../../runtime/sealed-store.js';
import { Relays } from './relays.js';
import { FileKey } from '../../runtime/sealed-file.js';

describe('client-apps/control-center: relays of households', function () {
  this.timeout(30_000);
  let kit: ControlCenterUnderTest;
  let center: RunningCenter;

  /** Without relays of an operator, unless a test has some. */
  const start = async (changes: Record<string, unknown> = {}): Promise<void> => {
    center = await kit.start(undefined, { relays: [], ...changes });
  };
  beforeEach(async () => {
    kit = await ControlCenterUnderTest.create();
  });
  afterEach(async () => {
    await kit.stop();
    await kit.remove();
  });

  const household = (number: number): FakeRelay => new FakeRelay(1 + (number % 2), number, `household-${number}`);
  const send = (code: Uint8Array, { identity, link }: FakeRelay): Promise<RelayEnrolment> =>
    enrolRelay(kit.address(center), code, identity.publicKey, link.pin);
  const refused = (promise: Promise<unknown>, code: EnrolmentRefusal): Promise<void> =>
    assert.rejects(promise, { code: 'ENROLMENT_REFUSED', message: code });

  it('are placed where fewest are, and get the same place again', async () => {
    await start({ relays: kit.config().relays.slice(0, 3).map(inHex) });
    const codes = await kit.codes('relay', 3);
    const relays = [0, 1, 2].map((number) => new FakeRelay(9, number));
    const places: RelayEnrolment[] = [];
    for (const [index, code] of codes.entries()) {
      places.push(await send(code, relays[index]!));
    }
    // Two of the operator's are in layer 1, one in layer 2.
    assert.deepEqual(places, [
      { operator: 'household-0', layer: 2 },
      { operator: 'household-1', layer: 1 },
      { operator: 'household-2', layer: 2 },
    ]);
    assert.deepEqual(await send(codes[1]!, relays[1]!), places[1]);
    await kit.bury(center);
    await start({ relays: kit.config().relays.slice(0, 3).map(inHex) });
    assert.deepEqual(await send(codes[2]!, relays[2]!), places[2]);
  });

  it('are refused a code of another role, a used one, keys of another relay, and what is not a request', async () => {
    await start({ relays: kit.config().relays.map(inHex) });
    const [meterCode] = await kit.codes('meter', 1);
    const [code, second] = await kit.codes('relay', 2);
    const [one, other] = [household(6), household(7)];
    await refused(send(meterCode!, one), 'UNKNOWN_CODE');
    const meter = new EnrollingMeter('with a code of a relay', kit.publicKey);
    await refused(enrol(kit.address(center), meter.request(code!), meter.link.publicKey), 'UNKNOWN_CODE');
    await send(code!, one);
    await refused(send(code!, other), 'CODE_USED');
    const address = kit.address(center);
    const half = enrolRelay(address, code!, one.identity.publicKey, other.link.pin);
    await refused(half, 'CODE_USED');
    await refused(send(second!, one), 'KEY_ENROLLED');
    await refused(enrolRelay(address, second!, one.identity.publicKey, other.link.pin), 'KEY_ENROLLED');
    await refused(enrolRelay(address, second!, other.identity.publicKey, one.link.pin), 'KEY_ENROLLED');
    await refused(send(second!, kit.relays[0]!), 'KEY_ENROLLED');
    await refused(enrolRelay(address, second!, other.identity.publicKey.slice(1), other.link.pin), 'MALFORMED');
    kit.clock.advance(kit.clock.nowMilliseconds() + 60_000);
    const https = new PinnedHttps(address.url, address.pin);
    const answer = await https.post('/enrol-relay', new TextEncoder().encode('{}'), 1_000);
    assert.deepEqual([answer.status, new TextDecoder().decode(answer.body)], [403, 'MALFORMED']);
    https.close();
    await send(second!, other);
  });

  it('make a tier alone; one whose code is revoked is not in the next directory, and its place is free', async () => {
    await start();
    const codes = await kit.codes('relay', 5);
    kit.relays.splice(0, Infinity);
    for (const [number, code] of codes.entries()) {
      const relay = household(number);
      assert.deepEqual(await send(code, relay), { operator: relay.operator, layer: relay.layer });
      kit.relays.push(relay);
    }
    await kit.startProvider();
    await kit.enrolMeters(center, 4);
    await kit.announce(center, [0, 1]);
    await kit.advanceTo(kit.startSeconds);
    assert.deepEqual(await operators(0), [0, 2, 4, 1, 3]);

    await kit.bury(center);
    await start({ revokedCodes: [toHex(codes[2]!)] });
    await kit.startProvider();
    await kit.announce(center, [1]);
    for (let minute = 30; minute <= 90; minute += 2) {
      await kit.advanceTo(kit.startSeconds + minute * 60);
    }
    assert.deepEqual(await operators(1), [0, 4, 1, 3]);
    const [sixth, seventh] = await kit.codes('relay', 2);
    // Two are left in each layer: the sixth and the seventh go to different ones.
    assert.equal((await send(sixth!, new FakeRelay(1, 5))).layer, 1);
    assert.equal((await send(seventh!, new FakeRelay(2, 6))).layer, 2);
    await refused(send(codes[2]!, household(2)), 'UNKNOWN_CODE');
  });

  it('are as many as a directory holds', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gridveil-relays-'));
    const store = await SealedStore.open(folder, new FileKey(random(32), 'control center', 'test'));
    try {
      const relays = await Relays.open(store, kit.config().relays);
      for (let number = 0; number < MAXIMUM_RELAYS - kit.relays.length; number++) {
        assert.equal(relays.isFull, false);
        const keys = concatBytes(random(32), random(32));
        const { relay, change } = relays.prepare(keys, 8, new Set());
        await store.batch([change]);
        relays.add(relay);
      }
      assert.equal(relays.isFull, true);
      const again = await Relays.open(store, kit.config().relays);
      assert.equal(again.isFull, true);
      const keys = concatBytes(random(32), random(32));
      // In 8 layers, two of the operator's in each of the first two: all layers are equally full.
      assert.equal(again.prepare(keys, 8, new Set()).relay.layer, 1);
      assert.equal(again.prepare(keys, 8, new Set([2])).relay.layer, 5);
    } finally {
      await store.close();
      await rm(folder, { recursive: true });
    }
  });

  /** Numbers of the households whose relays stand in an epoch's directory, in its order. */
  async function operators(epoch: number): Promise<number[]> {
    const bytes = await new DirectoryBulletin(kit.bulletin).readDirectory('test', epoch);
    return decodeSignedDirectory(bytes!).directory.relays.map(({ descriptor: { operator } }) =>
      Number(/^household-(\d+)$/.exec(operator)?.[1]),
    );
  }

  const inHex = ({ identity, linkPin, ...place }: { identity: Uint8Array; linkPin: Uint8Array }): object => ({
    identity: toHex(identity),
    linkPin: toHex(linkPin),
    ...place,
  });
});
