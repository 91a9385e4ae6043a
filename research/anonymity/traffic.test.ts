// SPDX-License-Identifier: Apache-2.0
import { ReadingTimes } from '../../client-apps/runtime/slot-schedule.js';
import { slotAt, type Slot } from '../../protocol/schedule/slots.js';
import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { packetLength } from '../../protocol/onion/geometry.js';
import { MemoryBulletin } from '../../test/support/memory-bulletin.js';
import { MeterUnderTest } from '../../test/support/meter.js';
import { FakeRegion } from '../../test/support/region.js';
import { SteppedClock } from '../../client-apps/runtime/clock.js';
import { listenLinks, type LinkListener } from '../../client-apps/links/listen.js';
import { linkKeyFromSeed, selfIssuedIdentity } from '../../client-apps/links/link-identity.js';
import { ALWAYS, seedOf, timersOn } from '../../test/support/links.js';
import { createLog } from '../../client-apps/runtime/log.js';
import { MeterDaemon } from '../../client-apps/meter/daemon.js';
import type { OutgoingPacket } from '../../client-apps/meter/slot-packets.js';
import { seededRandom } from '../seeded-random.js';

/** Readings of a consumption file, one for each half hour, milliwatt hours. */
const PROFILES = {
  zero: () => 0n,
  usual: (interval: number) => BigInt(120_000 + 90_000 * (interval % 3)),
  /** The highest reading of 300,000 in London. */
  peak: () => 7_330_000n,
} as const;
type Profile = keyof typeof PROFILES;
const NAMES = Object.keys(PROFILES) as Profile[];
const PAIRS: readonly (readonly [Profile, Profile])[] = [
  ['zero', 'usual'],
  ['zero', 'peak'],
  ['usual', 'peak'],
];

const METERS = 12;
const WINDOWS = 3;
const SLOTS = 6 * WINDOWS;
const SLOT = 300_000;
const LAYERS = 4;

/** Level of each comparison of offsets: of a thousand such tests one finds a difference where there is none. */
const LEVEL = 0.001;

/** One packet on a meter's link, as an observer sees it. */
interface Seen {
  readonly profile: Profile;
  readonly meter: number;
  readonly relay: number;
  readonly bytes: number;
  readonly slot: number;
  readonly offset: number;
}

/** Largest distance of two empirical distributions. */
function distance(a: readonly number[], b: readonly number[]): number {
  const below = (values: readonly number[], limit: number): number =>
    values.filter((value) => value <= limit).length / values.length;
  return Math.max(...[...a, ...b].map((limit) => Math.abs(below(a, limit) - below(b, limit))));
}

/** The distance that two samples of one distribution exceed with probability {@link LEVEL} (Kolmogorov–Smirnov). */
function critical(a: readonly number[], b: readonly number[]): number {
  return Math.sqrt((-Math.log(LEVEL / 2) / 2) * (1 / a.length + 1 / b.length));
}

describe('anonymity: traffic of meters', function () {
  this.timeout(120_000);
  const seen: Seen[] = [];

  before(async () => {
    const onion = { layers: LAYERS, meanDelayMilliseconds: 4_000, maximumDelayMeans: 5, offsetWindowSeconds: 20 };
    const kit = new FakeRegion({ parameters: { onion } });
    const bulletin = new MemoryBulletin(kit);
    bulletin.publishDirectory(0);
    const begin = kit.startOf(1) * 1000;
    const clock = new SteppedClock(begin - 1_000);
    const byPin = new Map<string, { profile: Profile; meter: number }>();

    const relays: LinkListener<string>[] = [];
    const identity = await selfIssuedIdentity(linkKeyFromSeed(seedOf('entry')), ALWAYS);
    for (const relay of [0, 1]) {
      relays.push(
        await listenLinks<string>({
          identity,
          host: '127.0.0.1',
          port: 0,
          timers: timersOn(clock),
          admit: ({ pin }) => Buffer.from(pin).toString('hex'),
          onFrame: ({ role }, _type, body) => {
            const now = clock.nowMilliseconds() - begin;
            const [slot, offset] = [Math.floor(now / SLOT), now % SLOT];
            seen.push({ ...byPin.get(role)!, relay, bytes: body.length, slot, offset });
          },
        }),
      );
    }
    const toListener = ({ entry, bytes }: OutgoingPacket): OutgoingPacket => {
      const relay = Number(/^relay-1-([12])\./.exec(entry.address)![1]) - 1;
      return { entry: { address: `127.0.0.1:${relays[relay]!.port}`, pin: identity.key.pin }, bytes };
    };

    const daemons: MeterDaemon[] = [];
    for (const profile of NAMES) {
      for (let meter = 0; meter < METERS; meter++) {
        const link = await selfIssuedIdentity(linkKeyFromSeed(seedOf(`${profile} ${meter}`)), ALWAYS);
        byPin.set(Buffer.from(link.key.pin).toString('hex'), { profile, meter });
        const home = new MeterUnderTest(kit, bulletin);
        await home.enrol();
        await home.meter.read(slotAt(kit.parameters, begin / 1_000));
        for (let interval = 0; interval < WINDOWS; interval++) {
          home.energy.set(kit.startOf(interval), PROFILES[profile](interval));
        }
        const parts = {
          link,
          bulletin: { versions: [kit.signedParameters] },
          meter: {
            balance: home.meter.balance,
            read: (next: Slot) => home.meter.read(next),
            slot: async (slot: Slot) => {
              const packets = await home.meter.slot(slot);
              assert.ok(packets !== undefined);
              const { controlCenter, hub } = packets;
              return { controlCenter: toListener(controlCenter), hub: toListener(hub), entryRelays: [] };
            },
          },
        };
        const context = {
          clock,
          random: seededRandom(`traffic ${profile} ${meter}`),
          log: createLog('meter', 'silent'),
          report: () => undefined,
        };
        daemons.push(
          new MeterDaemon(parts, { addressOverrides: {} }, context, {
            times: new ReadingTimes(seededRandom(`reading ${profile} ${meter}`)),
            onSlot: () => undefined,
            onFailure: (error) => assert.fail(String(error)),
          }),
        );
      }
    }
    const end = begin + SLOTS * SLOT - 1_000;
    while (clock.nowMilliseconds() < end) {
      clock.advance(Math.min(end, clock.state().nextTimer ?? end));
      while (clock.state().work > 0 || clock.activity.frames.sent > clock.activity.frames.received) {
        await turn();
      }
    }
    for (const daemon of daemons) {
      await daemon.stop();
    }
    for (const relay of relays) {
      await relay.close();
    }
  });

  const of = (profile: Profile): Seen[] => seen.filter((packet) => packet.profile === profile);
  /** Offsets of the earlier packet of each meter and slot, and how much later the other one left. */
  const gaps = (profile: Profile): number[] => {
    const first = new Map<string, number>();
    const found: number[] = [];
    for (const { meter, slot, offset } of of(profile)) {
      const key = `${meter} ${slot}`;
      const earlier = first.get(key);
      if (earlier === undefined) {
        first.set(key, offset);
      } else {
        found.push(Math.abs(offset - earlier));
      }
    }
    return found;
  };

  it('is two packets of one size in every slot, at nothing, at the usual and at peak use', () => {
    for (const profile of NAMES) {
      const counts = new Map<string, number>();
      for (const { meter, slot, bytes } of of(profile)) {
        assert.equal(bytes, packetLength(LAYERS));
        counts.set(`${meter} ${slot}`, (counts.get(`${meter} ${slot}`) ?? 0) + 1);
      }
      assert.equal(counts.size, METERS * SLOTS, profile);
      assert.deepEqual([...new Set(counts.values())], [2], profile);
    }
  });

  it('has offsets of one distribution, whatever was used', () => {
    for (const [one, other] of PAIRS) {
      const [a, b] = [of(one).map(({ offset }) => offset), of(other).map(({ offset }) => offset)];
      assert.ok(distance(a, b) < critical(a, b), `${one} and ${other}: ${distance(a, b)}`);
      assert.ok(Math.max(...a, ...b) < 20_000);
    }
  });

  it('has gaps between the packets of a meter of one distribution, whatever was used', () => {
    for (const [one, other] of PAIRS) {
      const [a, b] = [gaps(one), gaps(other)];
      assert.equal(a.length, METERS * SLOTS);
      assert.ok(distance(a, b) < critical(a, b), `${one} and ${other}: ${distance(a, b)}`);
    }
  });

  it('goes to the entry relays in equal shares, whatever was used', () => {
    for (const [one, other] of PAIRS) {
      const share = (profile: Profile): number =>
        of(profile).filter(({ relay }) => relay === 0).length / of(profile).length;
      // Paths come from the system's random source, so this one may fail by chance: five standard deviations, once in
      // 1.7 million comparisons.
      const deviation = Math.sqrt(0.25 * (1 / of(one).length + 1 / of(other).length));
      assert.ok(Math.abs(share(one) - share(other)) < 5 * deviation, `${one} and ${other}`);
    }
  });

  it('would be found to differ if use moved offsets by three seconds, or sent every fourth packet at once', () => {
    const zero = of('zero').map(({ offset }) => offset);
    const peak = of('peak').map(({ offset }) => offset);
    const late = peak.map((offset) => offset + 3_000);
    assert.ok(distance(zero, late) > critical(zero, late));
    const hasty = gaps('peak').map((gap, index) => (index % 4 === 0 ? 0 : gap));
    assert.ok(distance(gaps('zero'), hasty) > critical(gaps('zero'), hasty));
  });
});
