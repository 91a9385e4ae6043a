// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { toHex } from '../../../protocol/crypto/bytes.js';
import {
  decodeSignedDescriptor,
  decodeSignedDirectory,
  type RelayDescriptor,
} from '../../../protocol/onion/directory-format.js';
import { ControlCenterUnderTest, FakeRelay, type RunningCenter } from '../../../test/support/control-center.js';
import { targetOf, until } from '../../../test/support/links.js';
import { DirectoryBulletin } from '../../bulletin/reader.js';
import { FRAME } from '../../links/frames.js';
import type { LinkTarget } from '../../links/connect.js';
import { FileKey } from '../../runtime/sealed-file.js';
import { SealedStore } from '../../runtime/sealed-store.js';
import { RelayAddresses } from '../registration/relay-addresses.js';

describe('client-apps/control-center: descriptors of hostile relays', function () {
  this.timeout(30_000);
  let kit: ControlCenterUnderTest;
  let center: RunningCenter;
  /** Admitted after the honest ones. */
  const hostile = new FakeRelay(2, 9, 'hostile');

  beforeEach(async () => {
    kit = await ControlCenterUnderTest.create();
  });
  afterEach(async () => {
    await kit.stop();
    await kit.remove();
  });

  const start = async (admitted: readonly FakeRelay[] = [...kit.relays, hostile]): Promise<void> => {
    const relays = admitted.map(({ identity, link, operator, layer, address }) => ({
      ...{ operator, layer, address },
      identity: toHex(identity.publicKey),
      linkPin: toHex(link.pin),
    }));
    center = await kit.start(undefined, { relays });
    await kit.startProvider();
    await kit.enrolMeters(center, 4);
  };
  const announceHostile = async (change: Partial<RelayDescriptor>): Promise<void> => {
    const link = await kit.link(center, hostile);
    link.send(FRAME.descriptor, hostile.descriptor(await kit.parameters(center), 0, change));
    await kit.quiet();
  };
  const inDirectory = async (epoch = 0): Promise<string[]> => {
    const bytes = await new DirectoryBulletin(kit.bulletin).readDirectory('test', epoch);
    return decodeSignedDirectory(bytes!).directory.relays.map(({ descriptor: { operator } }) => operator);
  };
  const honest = (): string[] => kit.relays.map(({ operator }) => operator);
  const warnings = (operator: string): string[] =>
    kit.logged.filter((entry) => entry['operator'] === operator).map(({ reason }) => reason as string);

  const refusals: [string, () => Partial<RelayDescriptor>, RegExp][] = [
    ['an onion key of small order', () => ({ onionKey: new Uint8Array(32) }), /BAD_POINT/],
    ['an onion key in a second spelling', () => ({ onionKey: new Uint8Array(32).fill(0xff) }), /BAD_POINT/],
    ['a port above 65,535', () => ({ address: 'relay.gridveil.invalid:65536' }), /MALFORMED/],
    [
      'another address than its own',
      () => ({ address: 'third-party.invalid:443' }),
      /DIRECTORY_INVALID: .*third-party/,
    ],
    ['another relay’s address', () => ({ address: kit.relays[0]!.address }), /DIRECTORY_INVALID: .*relay-1-1/],
  ];
  for (const [what, change, reason] of refusals) {
    it(`with ${what}: refused and named, and the epoch opens without it`, async () => {
      await start();
      await kit.announce(center, [0]);
      await announceHostile(change());
      await kit.advanceTo(kit.startSeconds);
      assert.deepEqual(await inDirectory(), honest());
      assert.match(warnings('hostile').join(), reason);
    });
  }

  it('with the onion key of another, or admitted under the control center’s address: skipped, and the epoch opens', async () => {
    const center7000 = new (class extends FakeRelay {
      override readonly address = 'control-center.gridveil.invalid:7000';
    })(2, 8, 'twin');
    await start([...kit.relays, hostile, center7000]);
    const parameters = await kit.parameters(center);
    await kit.announce(center, [0]);
    const [first] = kit.relays as [FakeRelay];
    const { onionKey } = decodeSignedDescriptor(first.descriptor(parameters, 0)).descriptor;
    await announceHostile({ onionKey });
    (await kit.link(center, center7000)).send(FRAME.descriptor, center7000.descriptor(parameters, 0));
    await kit.quiet();
    await kit.advanceTo(kit.startSeconds);
    assert.deepEqual(await inDirectory(), honest());
    assert.match(warnings('hostile').join(), /an onion key occurs twice: it is that of relay .* of operator-1-1/);
    assert.match(warnings('twin').join(), /an address occurs twice: it is that of the control center/);
  });

  it('that sends 20,000 frames of two bytes: refused, in two lines of the log, and the others are heard', async () => {
    await start();
    const link = await kit.link(center, hostile);
    await until('linked', () => link.isUp);
    for (let count = 0; count < 20_000; count++) {
      link.send(count % 2 === 0 ? FRAME.packet : FRAME.descriptor, Uint8Array.of(1, 2));
    }
    await until('closed', () => !link.isUp);
    await kit.announce(center, [0]);
    await kit.advanceTo(kit.startSeconds);
    assert.deepEqual(await inDirectory(), honest());
    await kit.announce(center, [1]);
    const lines = kit.logged.filter((entry) => entry['operator'] === 'hostile');
    // The first of each kind when it comes, the number of each kind after the slot.
    assert.ok(lines.length > 0 && lines.length <= 4, JSON.stringify(lines));
  });

  it('that answers at no address of its own: probed for each directory, in none until it answers, then never again', async () => {
    const probed: string[] = [];
    let isUp = false;
    kit.probe = ({ address }: LinkTarget) => {
      probed.push(address);
      return Promise.resolve(isUp || address !== hostile.address);
    };
    await start();
    kit.relays.push(hostile);
    await kit.announce(center, [0, 1, 2]);
    kit.relays.pop();
    const minutesAfter = async (minutes: readonly number[]): Promise<void> => {
      for (const minute of minutes) {
        await kit.advanceTo(kit.startSeconds + minute * 60);
      }
    };
    await minutesAfter([0]);
    assert.deepEqual(await inDirectory(), honest());
    assert.match(warnings('hostile').join(), /no relay with its link key answers/);
    assert.equal(probed.length, 5);
    isUp = true;
    await minutesAfter([15, 31, 45, 60]);
    assert.deepEqual(await inDirectory(1), [...honest(), 'hostile']);
    assert.deepEqual(probed.slice(5), [hostile.address]);
    await minutesAfter([75, 91, 105, 120]);
    assert.deepEqual(await inDirectory(2), [...honest(), 'hostile']);
    assert.equal(probed.length, 6);
  });

  it('of a household: at the address where it first answered, also after a restart; outside a demo a public one', async () => {
    const store = await SealedStore.open(
      `${kit.directory}/addresses`,
      new FileKey(new Uint8Array(32), 'control center', 'test'),
    );
    const household = {
      ...targetOf('relay', 7000),
      identity: new Uint8Array(32).fill(4),
      operator: 'household-0',
      layer: 1,
    };
    const relay = { ...household, linkPin: household.pin, address: undefined };
    const moved = '1.1.1.1:443';
    try {
      let answers = false;
      const addresses = await RelayAddresses.open(store, () => Promise.resolve(answers));
      for (const address of ['127.0.0.1:7000', '192.168.0.9:7000', '[fe80::1]:7000', 'relay.example.org:7000']) {
        assert.match(addresses.fault(relay, address, false)!, /expected a public IP address/);
        assert.equal(addresses.fault(relay, address, true), undefined);
      }
      assert.equal(await addresses.prove(relay, '8.8.8.8:7000'), false);
      assert.equal(addresses.fault(relay, moved, false), undefined, 'not fixed before it has answered');
      answers = true;
      assert.equal(await addresses.prove(relay, '8.8.8.8:7000'), true);
      const again = await RelayAddresses.open(store, () => assert.fail('probed again'));
      assert.equal(await again.prove(relay, '8.8.8.8:7000'), true);
      assert.equal(again.fault(relay, '8.8.8.8:7000', false), undefined);
      assert.match(again.fault(relay, moved, false)!, /expected its address 8.8.8.8:7000, found 1.1.1.1:443/);
    } finally {
      await store.close();
    }
  });
});
