// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { ZodType } from 'zod';
import { SystemClock } from '../../client-apps/runtime/clock.js';
import { parseConfig } from '../../client-apps/runtime/config.js';
import { lockDirectory } from '../../client-apps/runtime/directory-lock.js';
import type { PartyContext } from '../../client-apps/runtime/party.js';
import { createFileKey } from '../../client-apps/runtime/sealed-file.js';
import {
  consumerConfig,
  consumerHostConfig,
  startConsumer,
  startConsumerHost,
} from '../../client-apps/consumer/main.js';
import { startControlCenter } from '../../client-apps/control-center/main.js';
import { meterConfig, meterHostConfig, startMeter, startMeterHost } from '../../client-apps/meter/main.js';
import { relayConfig, startRelay } from '../../client-apps/relay/main.js';
import { serviceProviderConfig, startServiceProvider } from '../../client-apps/service-provider/main.js';
import { ControlCenterUnderTest, random } from '../support/control-center.js';

/** Locks the directory it is given, says so, and holds it until it is killed. */
const HOLDER = `
  import { lockDirectory } from '${new URL('../../client-apps/runtime/directory-lock.js', import.meta.url).href}';
  import { SystemClock } from '${new URL('../../client-apps/runtime/clock.js', import.meta.url).href}';
  globalThis.lock = await lockDirectory(process.argv[1], { clock: new SystemClock(), log: console });
  process.stdout.write('locked');
  setInterval(() => undefined, 1_000);
`;

describe('A directory belongs to one process', function () {
  this.timeout(60_000);
  let folder: string;
  let lines: { msg: string }[];
  let context: PartyContext;
  const holders: ChildProcess[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gridveil-locks-'));
    await createFileKey(join(folder, 'file.key'));
    process.env['GRIDVEIL_KEY_FILE'] = join(folder, 'file.key');
  });
  beforeEach(() => {
    lines = [];
    const log = pino({ base: {} }, { write: (line: string) => void lines.push(JSON.parse(line) as { msg: string }) });
    context = { clock: new SystemClock(), random, log, report: () => undefined };
  });
  after(async () => {
    delete process.env['GRIDVEIL_KEY_FILE'];
    for (const holder of holders) {
      holder.kill('SIGKILL');
    }
    await rm(folder, { recursive: true });
  });

  /** A process that holds a directory. */
  const hold = async (directory: string): Promise<ChildProcess> => {
    const holder = spawn(process.execPath, ['--input-type=module', '-e', HOLDER, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    holders.push(holder);
    await once(holder.stdout, 'data');
    return holder;
  };
  const kill = async (holder: ChildProcess): Promise<void> => {
    const ended = once(holder, 'exit');
    holder.kill('SIGKILL');
    await ended;
  };

  it('refuses a second one and names the first; replaces at once one that was killed, and says so', async () => {
    const directory = join(folder, 'killed');
    const holder = await hold(directory);
    const held = new RegExp(`^${directory}: held by process ${holder.pid} on ${hostname()} since 20.*Z$`);
    await assert.rejects(lockDirectory(directory, context), { code: 'DIRECTORY_LOCKED', message: held });
    await kill(holder);
    const lock = await lockDirectory(directory, context);
    assert.match(lines[0]!.msg, new RegExp(`^directory was left locked by process ${holder.pid} `));
    await assert.rejects(lockDirectory(directory, context), {
      code: 'DIRECTORY_LOCKED',
      message: new RegExp(`held by process ${process.pid} `),
    });
    await lock.release();
    await (await lockDirectory(directory, context)).release();
    assert.equal(lines.length, 1, 'one that was released is not taken over');
  });

  it('gives it to exactly one of many that start after a kill', async () => {
    const directory = join(folder, 'race');
    await kill(await hold(directory));
    const tries = await Promise.allSettled(Array.from({ length: 20 }, () => lockDirectory(directory, context)));
    const [winner, ...others] = tries.filter((one) => one.status === 'fulfilled');
    assert.equal(others.length, 0);
    await winner!.value.release();
  });

  const center = { url: 'https://127.0.0.1:1', pin: '00'.repeat(32) };
  const identity = { mspId: 'MSP', certificatePath: 'none', keyPath: 'none' };
  const hub = {
    publicKey: '00'.repeat(32),
    pairingKey: '00'.repeat(32),
    mailboxRelay: 'a.invalid:1',
    mailbox: '00'.repeat(8),
  };
  const household = { enrolmentCode: '00'.repeat(16) };
  const meter = { ...household, readings: { file: 'none', household: '1' }, hub };
  const shared = { region: 'test', controlCenter: center };
  const parsed = <T>(schema: ZodType<T>, value: object): T => parseConfig(schema, value, 'test');
  const parties: Record<string, (directory: string) => Promise<unknown>> = {
    'service provider': (directory) => {
      const config = { directory, region: 'test', ledger: { profile: 'none', identity }, trustAnchor: '00'.repeat(32) };
      return startServiceProvider(parsed(serviceProviderConfig, config), context);
    },
    relay: (directory) => {
      const links = { host: '127.0.0.1', port: 0, address: 'a.invalid:1' };
      const controlCenter = { ...center, linkAddress: 'b.invalid:1', linkPin: '00'.repeat(32) };
      const place = { operator: 'one', layer: 1, trustAnchor: '00'.repeat(32) };
      return startRelay(parsed(relayConfig, { directory, region: 'test', ...place, links, controlCenter }), context);
    },
    meter: (directory) => startMeter(parsed(meterConfig, { ...shared, directory, ...meter }), context),
    'host of meters': (directory) => {
      const meters = [{ ...meter, directory }];
      return startMeterHost(parsed(meterHostConfig, { ...shared, meters }), context);
    },
    hub: (directory) =>
      startConsumer(
        parsed(consumerConfig, { ...shared, mailboxRelay: 'a.invalid:1', directory, ...household }),
        context,
      ),
    'host of hubs': (directory) => {
      const hubs = [{ ...household, directory }];
      return startConsumerHost(parsed(consumerHostConfig, { ...shared, mailboxRelay: 'a.invalid:1', hubs }), context);
    },
  };
  for (const [name, start] of Object.entries(parties)) {
    it(`so a ${name} does not start beside another process on it`, async () => {
      const directory = join(folder, name);
      await mkdir(directory);
      const lock = await lockDirectory(directory, context);
      await assert.rejects(start(directory), { code: 'DIRECTORY_LOCKED' });
      await lock.release();
    });
  }

  it('so a control center does not start beside another process on it', async () => {
    const kit = await ControlCenterUnderTest.create();
    try {
      const config = kit.config();
      const lock = await lockDirectory(config.directory, context);
      await assert.rejects(startControlCenter(config, context), { code: 'DIRECTORY_LOCKED' });
      await lock.release();
    } finally {
      await kit.remove();
    }
  });
});
