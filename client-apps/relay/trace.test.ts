// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FRAME } from '../links/frames.js';
import { linkKeyFromSeed } from '../links/link-identity.js';
import { osRandom, seedOf } from '../../test/support/links.js';
import { SystemClock } from '../runtime/clock.js';
import { createLog } from '../runtime/log.js';
import { TierUnderTest } from '../../test/support/tier.js';
import { placedRelayConfig } from './config.js';
import { Relay } from './relay.js';
import { relayFileKey, relayKeysFrom } from './keys.js';
import { traceName, type TraceHeader, type TraceRecord } from './trace.js';

const PATH = [
  { relay: 0, delayMilliseconds: 1_500 },
  { relay: 2, delayMilliseconds: 2_500 },
];

describe('unsafe trace', function () {
  this.timeout(30_000);
  let directory: string;
  before(async () => (directory = await mkdtemp(join(tmpdir(), 'gridveil-trace-'))));
  after(() => rm(directory, { recursive: true }));

  it('writes down which packet became which, so that a way can be followed from relay to relay', async () => {
    const tier = new TierUnderTest(directory);
    await tier.start();
    (await tier.meter(0)).send(FRAME.packet, tier.packet(PATH));
    await tier.advance(6_000);
    assert.equal(tier.arrived.length, 1);
    const pins = tier.directory.relays.map(({ descriptor }) => traceName(descriptor.linkPin));
    await tier.stop();

    assert.equal((await readdir(directory)).length, 4, 'one file a relay');
    const read = async (relay: number): Promise<[TraceHeader, ...TraceRecord[]]> => {
      const text = await readFile(join(directory, `${pins[relay]}.jsonl`), 'utf8');
      return text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown) as [TraceHeader, ...TraceRecord[]];
    };
    const [header, first] = await read(0);
    const [, second] = await read(2);
    assert.deepEqual(header, {
      format: 'gridveil-unsafe-relay-trace-1',
      region: 'london',
      relay: pins[0],
      layer: 1,
      layers: 2,
      slotSeconds: 300,
      offsetWindowSeconds: 20,
      meanDelayMilliseconds: 4_000,
      maximumDelayMeans: 5,
    });
    assert.ok(first !== undefined && second !== undefined);
    assert.equal(first.in.link, traceName(linkKeyFromSeed(seedOf('meter')).pin));
    assert.equal(first.out.at - first.in.at, 1_500);
    assert.deepEqual([first.out.to, first.out.link], ['relay', pins[2]]);
    assert.equal(second.in.packet, first.out.packet);
    assert.equal(second.in.link, pins[0]);
    assert.equal(second.out.to, 'control-center');
    assert.equal((await read(1)).length, 1, 'nothing passed the other relay');
  });

  it('is refused where time is real', async () => {
    const config = placedRelayConfig.parse({
      directory,
      region: 'london',
      operator: 'operator',
      layer: 1,
      links: { host: '127.0.0.1', port: 0, address: 'relay.invalid:7000' },
      controlCenter: {
        url: 'https://127.0.0.1:1',
        pin: '00'.repeat(32),
        linkAddress: 'cc.invalid:7000',
        linkPin: '00'.repeat(32),
      },
      trustAnchor: '00'.repeat(32),
    });
    const context = {
      clock: new SystemClock(),
      random: osRandom,
      log: createLog('relay', 'silent'),
      report: () => assert.fail('it must not come to a report'),
    };
    const keys = relayKeysFrom(seedOf('relay'));
    const parts = { config, context, keys, fileKey: relayFileKey(seedOf('file'), config) };
    const start = Relay.start(parts, { unsafeTrace: directory });
    await assert.rejects(start, { code: 'UNSAFE_TRACE' });
  });
});
