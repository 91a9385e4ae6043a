// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { decodeParametersFile, decodeSealsFile } from '../../protocol/ledger/bulletin.js';
import { decodeConsumerList } from '../../protocol/ledger/consumer-list.js';
import { verifyInterval, type IntervalSeals } from '../../protocol/rules/verify-interval.js';
import { toHex } from '../../protocol/crypto/bytes.js';
import { enrol } from '../links/enrolment-client.js';
import { LedgerError } from '../ledger/index.js';
import { FRAME } from '../links/frames.js';
import {
  ControlCenterUnderTest,
  EnrollingMeter,
  type RunningCenter,
  type RunningProvider,
} from '../../test/support/control-center.js';
import { MODES, modesText } from '../../test/support/modes.js';
import type { Death } from '../../test/support/ledger/contract-ledger.js';

const L = 1_800;

/** Everything under the bulletin's root, by path. */
async function files(root: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) {
      found.set(path.slice(root.length + 1), (await readFile(path)).toString('hex'));
    }
  }
  return new Map([...found].sort());
}

/** Verifies every interval from the bulletin's files, as anyone can. */
async function verifyAll(kit: ControlCenterUnderTest, starts: readonly number[]): Promise<number[]> {
  const parameters = decodeParametersFile(await readFile(join(kit.bulletin, 'parameters.json')));
  const counts: number[] = [];
  let previous: IntervalSeals | 'first' = 'first';
  for (const startSeconds of starts) {
    const folder = join(kit.bulletin, 'bulletin', 'test', String(startSeconds));
    const names = await readdir(folder);
    const contents = new Map<string, Uint8Array>();
    for (const name of names) {
      contents.set(name, await readFile(join(folder, name)));
    }
    const verified = verifyInterval(sodiumCrypto, { region: 'test', startSeconds }, contents, {
      parameters,
      previous,
      depth: 'full',
    });
    assert.equal(verified.stage, 'billing');
    counts.push(verified.count);
    previous = verified.seals;
  }
  return counts;
}

/** A control center with its service provider and four meters, which report in the first of three intervals. */
class Scenario {
  center!: RunningCenter;
  provider!: RunningProvider;
  meters: EnrollingMeter[] = [];
  hubCodes: Uint8Array[] = [];

  constructor(readonly kit: ControlCenterUnderTest) {}

  get starts(): number[] {
    return [0, 1, 2].map((index) => this.kit.startSeconds + index * L);
  }

  /** Enrols the meters and opens the first epoch, which has two intervals. */
  async open(deaths: { center?: Death; provider?: Death } = {}): Promise<void> {
    const { kit } = this;
    this.center = await kit.start(deaths.center);
    this.provider = await kit.startProvider(deaths.provider);
    this.meters = await kit.enrolMeters(this.center, 4);
    this.hubCodes = await kit.enrolHubs(this.center, 3);
    await kit.announce(this.center, [0, 1]);
    await this.reach(kit.startSeconds - L);
  }

  /** Every meter sends a row of the smallest category, the last one also a rare one. */
  async report(startSeconds: number): Promise<void> {
    const { kit } = this;
    await this.reach(startSeconds + L + 10);
    const onionKey = await kit.onionKey(this.center, 0);
    const parameters = await kit.parameters(this.center);
    const packets = this.meters.map((meter, index) => {
      const rows = [meter.row(parameters, { startSeconds, epoch: 0, category: 0 })];
      if (index === 3) {
        rows.push(meter.row(parameters, { startSeconds, epoch: 0, category: 4 }));
      }
      return meter.packet(onionKey, 0, startSeconds + L, rows);
    });
    await kit.send(this.center, packets);
  }

  async run(): Promise<void> {
    await this.report(this.starts[0]!);
    for (const start of this.starts) {
      await this.reach(start + 2 * L + 120);
    }
  }

  /** Moves time; when a process dies on the way, both are started again: they share a clock. */
  async reach(seconds: number): Promise<void> {
    const { kit } = this;
    const death = Promise.race([this.center.client.died, this.provider.client.died]).then(() => true);
    const died = await Promise.race([kit.advanceTo(seconds).then(() => false), death]);
    if (!died) {
      return;
    }
    await kit.bury(this.center);
    await kit.bury(this.provider);
    this.center = await kit.start();
    this.provider = await kit.startProvider();
    await kit.advanceTo(seconds);
  }
}

for (const modes of MODES) {
  describe(`client-apps/control-center (${modesText(modes)})`, function () {
    this.timeout(300_000);
    const isDirect = modes.priceMode === 'direct';
    let kit: ControlCenterUnderTest;

    beforeEach(async () => {
      kit = await ControlCenterUnderTest.create(modes);
    });
    afterEach(async () => {
      await kit.stop();
      await kit.remove();
    });

    it('turns packets into sealed, priced and billed ledgers that anyone can verify', async () => {
      const scenario = new Scenario(kit);
      await scenario.open();
      await scenario.run();
      assert.deepEqual(await verifyAll(kit, scenario.starts), [4, 0, 0], 'empty intervals are sealed too');
      const [first] = kit.reports.filter(({ name }) => name === 'frozen').map(({ data }) => data);
      assert.equal(first!['publishedRows'], 4);
      assert.equal(first!['suppressedRows'], 1, 'a category of one meter is suppressed');
      assert.equal(first!['missedSlots'], 4 * 5, 'four meters sent in one of six slots');
      const billed = kit.reports.filter(({ name }) => name === 'settled').map(({ data }) => data['billedNanoCurrency']);
      // 4 × 50 Wh over 4 meters are 50 Wh per meter: an eighth of the way from 0.10 to 0.30.
      assert.deepEqual(billed, [((125_000_000n * 200_000n) / 1_000_000n).toString(), '0', '0']);
      assert.equal(scenario.provider.failure, undefined);
      const rows = await readFile(join(kit.bulletin, `bulletin/test/${scenario.starts[0]!}/pricing.rows`));
      assert.equal(rows.length / 177, isDirect ? 3 : 1, 'a price for all, or for each of three hubs');
    });

    it('gives the same bulletin bytes after a death at any submission, its own or the service provider’s', async () => {
      const reference = new Scenario(kit);
      await reference.open();
      await reference.run();
      const expected = await files(kit.bulletin);
      const lists = isDirect ? 2 : 0;
      assert.equal(expected.size, 1 + 2 + lists + 3 * 5);
      const { center, provider } = reference;
      const submissions = { center: center.client.submissions, provider: provider.client.submissions };
      // Parameters; registry, directory, and where there is one, consumer list of two epochs; header and seal of three intervals, one page; six choices and six more seals.
      // Header and page of three prices, headers of three ledgers of bills, one page.
      assert.deepEqual(submissions, { center: 1 + 4 + lists + 3 * 2 + 1 + 2 * 6, provider: 3 * 3 + 1 });
      for (const victim of ['center', 'provider'] as const) {
        // The first submission of the control center is part of its start, so there is nothing before it to come back to.
        const first = victim === 'center' ? 2 : 1;
        // Every other one in these modes, the rest in the others; with whole processes, every one dies in both.
        for (let submission = first + (isDirect ? 1 : 0); submission <= submissions[victim]; submission += 2) {
          const other = await ControlCenterUnderTest.create(modes);
          const scenario = new Scenario(other);
          await scenario.open({ [victim]: { submission, moment: 'after' } });
          await scenario.run();
          assert.deepEqual(await files(other.bulletin), expected, `${victim} dies after submission ${submission}`);
          await other.stop();
          await other.remove();
        }
      }
    });
  });
}

describe('client-apps/control-center over time', function () {
  this.timeout(60_000);
  let kit: ControlCenterUnderTest;
  let scenario: Scenario;

  beforeEach(async () => {
    kit = await ControlCenterUnderTest.create();
    scenario = new Scenario(kit);
  });
  afterEach(async () => {
    await kit.stop();
    await kit.remove();
  });

  const frozen = (index: number) => kit.reports.filter(({ name }) => name === 'frozen')[index]!.data;

  it('is ready when all three chaincodes have answered, and not before', async () => {
    const { ledger } = kit;
    const client = ledger.client.bind(ledger);
    let finds = false;
    ledger.client = (...identity) => {
      const opened = client(...identity);
      const evaluate = opened.evaluate.bind(opened);
      const lost = (): Promise<never> => Promise.reject(new LedgerError('UNAVAILABLE', 'no peers available'));
      opened.evaluate = (channel, ...asked) =>
        channel === 'consumption' && !finds ? lost() : evaluate(channel, ...asked);
      return opened;
    };
    const starting = kit.start();
    await pause(400);
    assert.deepEqual(kit.reports, []);
    finds = true;
    await starting;
    assert.deepEqual(
      kit.reports.map(({ name }) => name),
      ['ready'],
    );
  });

  it('keeps the accepted rows over a restart, and counts what is late', async () => {
    await scenario.open();
    const [first] = scenario.starts;
    await scenario.report(first!);
    await kit.bury(scenario.center);
    await kit.bury(scenario.provider);
    scenario.center = await kit.start();
    scenario.provider = await kit.startProvider();
    const onionKey = await kit.onionKey(scenario.center, 0);
    const parameters = await kit.parameters(scenario.center);
    const [meter] = scenario.meters;
    const next = meter!.row(parameters, { startSeconds: first!, epoch: 0, category: 0 });
    await kit.advanceTo(first! + L + 300);
    await kit.send(scenario.center, [meter!.packet(onionKey, 0, first! + L + 300, [next])]);
    await kit.advanceTo(first! + 2 * L + 120);
    const tooLate = meter!.row(parameters, { startSeconds: first!, epoch: 0, category: 0 });
    await kit.send(scenario.center, [meter!.packet(onionKey, 0, first! + L + 600, [tooLate])]);
    await kit.advanceTo(first! + 3 * L + 120);
    assert.equal(frozen(0)['publishedRows'], 5);
    assert.deepEqual((frozen(1)['intake'] as { late: number }).late, 1);
    assert.deepEqual(await verifyAll(kit, [first!, first! + L]), [5, 0]);
  });

  it('registers a later meter from the next epoch on, and erases an epoch that is settled', async () => {
    await scenario.open();
    const [first] = scenario.starts;
    const [late] = await kit.enrolMeters(scenario.center, 1, 'late meter');
    assert.equal(late!.enrolment!.firstEpoch, 1);
    const before = await kit.onionKey(scenario.center, 0);
    // Two intervals are the first epoch; the third belongs to the second.
    for (const start of scenario.starts) {
      await scenario.reach(start + 2 * L + 120);
    }
    const registered = kit.reports.filter(({ name }) => name === 'epoch').map(({ data }) => data['registeredMeters']);
    assert.deepEqual(registered, [4, 5]);
    const parameters = await kit.parameters(scenario.center);
    const old = late!.packet(before, 0, first! + L, []);
    await kit.send(scenario.center, [old]);
    const onionKey = await kit.onionKey(scenario.center, 1);
    const start = first! + 3 * L;
    await kit.advanceTo(start + L + 10);
    const rows = [late!.row(parameters, { startSeconds: start, epoch: 1, category: 2 })];
    await kit.send(scenario.center, [late!.packet(onionKey, 1, start + L, rows)]);
    await kit.advanceTo(start + 2 * L + 120);
    const { unreadable, rows: taken } = frozen(3)['intake'] as { unreadable: number; rows: number };
    assert.deepEqual([unreadable, taken], [1, 1], 'nothing opens under the erased key; the new meter’s row is taken');
  });

  it('leaves a meter whose code is revoked out of the next registry, and its packets too', async () => {
    await scenario.open();
    const [first] = scenario.starts;
    const [unused] = await kit.codes('meter', 1);
    await kit.bury(scenario.center);
    await kit.bury(scenario.provider);
    const revokedCodes = [toHex(kit.usedCodes[2]!), toHex(unused!)];
    scenario.center = await kit.start(undefined, { revokedCodes });
    scenario.provider = await kit.startProvider();
    const late = new EnrollingMeter('late', kit.publicKey);
    await assert.rejects(enrol(kit.address(scenario.center), late.request(unused!), late.link.publicKey), {
      message: 'UNKNOWN_CODE',
    });
    for (const start of scenario.starts) {
      await scenario.reach(start + 2 * L + 120);
    }
    const registered = kit.reports.filter(({ name }) => name === 'epoch').map(({ data }) => data['registeredMeters']);
    assert.deepEqual(registered, [4, 3]);
    const start = first! + 3 * L;
    await kit.advanceTo(start + L + 10);
    const onionKey = await kit.onionKey(scenario.center, 1);
    const packets = scenario.meters.map((meter) => meter.packet(onionKey, 1, start + L, []));
    await kit.send(scenario.center, packets);
    await kit.advanceTo(start + 2 * L + 120);
    const { packets: taken, unregistered } = frozen(3)['intake'] as { packets: number; unregistered: number };
    assert.deepEqual([taken, unregistered], [3, 1]);
  });

  it('puts a hub on the consumer lists from the next epoch on, and removes a revoked one', async () => {
    kit = await ControlCenterUnderTest.create(MODES[1]);
    scenario = new Scenario(kit);
    await scenario.open();
    await kit.enrolHubs(scenario.center, 2, 'late hub');
    await kit.bury(scenario.center);
    await kit.bury(scenario.provider);
    scenario.center = await kit.start(undefined, { revokedCodes: [toHex(scenario.hubCodes[1]!)] });
    scenario.provider = await kit.startProvider();
    for (const start of scenario.starts) {
      await scenario.reach(start + 2 * L + 120);
    }
    const lists = await Promise.all(
      [0, 1].map(async (epoch) => {
        const bytes = await readFile(join(kit.bulletin, `bulletin/test/consumers/${epoch}.json`));
        return decodeConsumerList(bytes).list.consumers.map(toHex);
      }),
    );
    assert.deepEqual([lists[0]!.length, lists[1]!.length], [3, 4]);
    assert.equal(lists[0]!.filter((key) => !lists[1]!.includes(key)).length, 1);
    assert.deepEqual(lists[1], [...lists[1]!].sort(), 'by their bytes, which say nothing of when they came');
  });

  it('opens no epoch before there are k meters and two relays in every layer', async () => {
    const center = await kit.start();
    await kit.startProvider();
    await kit.enrolMeters(center, 2);
    await kit.announce(center, [0, 1]);
    await kit.advanceTo(kit.startSeconds + 1);
    assert.deepEqual(
      kit.reports.filter(({ name }) => name === 'epoch'),
      [],
    );
    await kit.enrolMeters(center, 2, 'more');
    await kit.advanceTo(kit.startSeconds + L + 1);
    assert.equal(kit.reports.filter(({ name }) => name === 'epoch').length, 1);
    // The first interval is then the first that begins afterwards.
    await kit.advanceTo(kit.startSeconds + 2 * L + 2 * L + 120);
    assert.deepEqual(await verifyAll(kit, [kit.startSeconds + 2 * L]), [0]);
  });

  it('closes all intervals that fell due while it was away', async () => {
    await scenario.open();
    await kit.bury(scenario.center);
    await kit.bury(scenario.provider);
    kit.clock.advance((kit.startSeconds + 4 * L + 120) * 1_000);
    scenario.center = await kit.start();
    scenario.provider = await kit.startProvider();
    await kit.quiet();
    assert.deepEqual(await verifyAll(kit, scenario.starts), [0, 0, 0]);
  });

  it('accepts descriptors only from admitted relays, for themselves, and for epochs to come', async () => {
    await scenario.open();
    const { center } = scenario;
    const parameters = await kit.parameters(center);
    const [one, two] = kit.relays;
    const link = await kit.link(center, one!);
    link.send(FRAME.descriptor, two!.descriptor(parameters, 2));
    link.send(FRAME.descriptor, one!.descriptor(parameters, 0));
    link.send(FRAME.descriptor, one!.descriptor(parameters, 50));
    link.send(FRAME.descriptor, new Uint8Array(10));
    // A relay of the first layer has no packets for the control center.
    link.send(FRAME.packet, new Uint8Array(699));
    await kit.quiet();
    for (const relay of kit.relays.slice(1)) {
      const good = await kit.link(center, relay);
      good.send(FRAME.descriptor, relay.descriptor(parameters, 2));
    }
    await kit.quiet();
    for (const start of scenario.starts) {
      await scenario.reach(start + 2 * L + 120);
    }
    await kit.advanceTo(kit.startSeconds + 4 * L);
    const epochs = kit.reports.filter(({ name }) => name === 'epoch').map(({ data }) => data['epoch']);
    assert.deepEqual(epochs, [0, 1], 'the third epoch lacks a relay in the first layer');
    assert.equal((frozen(0)['intake'] as { unreadable: number }).unreadable, 0);
  });

  it('enacts a further version of the parameters and refuses to change an enacted one', async () => {
    await scenario.open();
    const { settings } = kit;
    const second = { ...settings, effectiveFromSeconds: kit.startSeconds + L, kAnonymity: 4 };
    await kit.bury(scenario.center);
    await kit.bury(scenario.provider);
    await assert.rejects(kit.start(undefined, { parameters: [{ ...settings, kAnonymity: 4 }] }), {
      code: 'STATE_CONFLICT',
    });
    scenario.center = await kit.start(undefined, { parameters: [settings, second] });
    scenario.provider = await kit.startProvider();
    await scenario.run();
    // Four meters hold the smallest category, and four is enough.
    assert.deepEqual(await verifyAll(kit, scenario.starts), [4, 0, 0]);
    const seals = decodeSealsFile(
      await readFile(join(kit.bulletin, `bulletin/test/${scenario.starts[1]!}/seals.json`)),
    );
    assert.equal(seals.consumption.seal.parametersVersion, 2);
  });

  it('follows a version that changes the number of layers, from the next epoch on', async () => {
    await scenario.open();
    const { settings } = kit;
    const [first] = scenario.starts;
    const second = { ...settings, effectiveFromSeconds: first! + 2 * L, onion: { layers: 1 } };
    await kit.bury(scenario.center);
    await kit.bury(scenario.provider);
    scenario.center = await kit.start(undefined, { parameters: [settings, second] });
    scenario.provider = await kit.startProvider();
    for (const start of scenario.starts) {
      await scenario.reach(start + 2 * L + 120);
    }
    const start = first! + 3 * L;
    await kit.advanceTo(start + L + 10);
    const onionKey = await kit.onionKey(scenario.center, 1);
    const parameters = await kit.parameters(scenario.center);
    const packets = scenario.meters.map((meter) =>
      meter.packet(onionKey, 1, start + L, [meter.row(parameters, { startSeconds: start, epoch: 1, category: 2 })]),
    );
    const link = await kit.link(scenario.center, kit.relays[0]!);
    for (const packet of packets) {
      link.send(FRAME.packet, packet);
    }
    await kit.quiet();
    await kit.advanceTo(start + 2 * L + 120);
    assert.equal(frozen(3)['publishedRows'], 4);
  });
});
