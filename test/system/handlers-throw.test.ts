// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { shortestPath } from '../../client-apps/links/local-socket.js';
import { ReadingTimes } from '../../client-apps/runtime/slot-schedule.js';
import type { PartyContext } from '../../client-apps/runtime/party.js';
import { createFileKey } from '../../client-apps/runtime/sealed-file.js';
import { HubDaemon } from '../../client-apps/consumer/daemon.js';
import type { OpenedHub } from '../../client-apps/consumer/open-hub.js';
import { FRAME } from '../../client-apps/links/frames.js';
import { mailboxIdOf } from '../../client-apps/links/mailbox-frames.js';
import { MeterDaemon } from '../../client-apps/meter/daemon.js';
import { ControlCenterUnderTest } from '../support/control-center.js';
import { osRandom } from '../support/links.js';
import { TierUnderTest } from '../support/tier.js';

const CLI = fileURLToPath(new URL('../../client-apps/cli/main.js', import.meta.url));
const L = 1_800;
const SLOT = 300_000;
const FAST = [
  { relay: 0, delayMilliseconds: 500 },
  { relay: 2, delayMilliseconds: 500 },
];

/** Handlers of what does not happen here: a server that fails after it began to listen, and a loop that is lost. */
const ELSEWHERE = ['server', 'loop watch'];

/** Throws once in the next run of every origin that a party has registered. */
class Thrower {
  readonly #registered = new Set<string>();
  readonly #thrown = new Set<string>();
  readonly #logged = new Map<string, number>();
  #isOn = false;

  readonly #elsewhere: readonly string[];

  /** @param elsewhere origins of what cannot happen to this party */
  constructor(elsewhere: readonly string[] = []) {
    this.#elsewhere = [...ELSEWHERE, ...elsewhere];
  }

  readonly context: Pick<PartyContext, 'log' | 'witness'> = {
    log: pino({ base: {} }, { write: (line: string) => this.#note(JSON.parse(line) as Record<string, unknown>) }),
    witness: {
      registered: (origin) => void this.#registered.add(origin),
      runs: (origin) => {
        if (this.#isOn && !this.#thrown.has(origin)) {
          this.#thrown.add(origin);
          throw new Error(`thrown in ${origin}`);
        }
      },
    },
  };

  /** Origins in which nothing was thrown yet. */
  get left(): string[] {
    return [...this.#registered].filter((origin) => !this.#elsewhere.includes(origin) && !this.#thrown.has(origin));
  }

  /** Goes through the party's work until it threw everywhere. */
  async everywhere(round: () => Promise<void>, expected: readonly string[]): Promise<void> {
    this.start(expected);
    for (let rounds = 0; this.left.length > 0 && rounds < 20; rounds++) {
      await round();
    }
    this.finish();
  }

  /** Throws from now on. */
  start(expected: readonly string[]): void {
    this.#isOn = true;
    for (const origin of expected) {
      this.#registered.add(origin);
    }
  }

  /** Throws no more, and checks that it threw everywhere and that each was logged once, with its origin. */
  finish(): void {
    this.#isOn = false;
    assert.deepEqual(this.left, [], 'every handler that is expected or was registered has thrown');
    for (const origin of this.#thrown) {
      assert.equal(this.#logged.get(origin), 1, `${origin}: logged once`);
    }
  }

  #note({ msg, origin, failures, err }: Record<string, unknown>): void {
    if (msg === 'a task failed' && (err as Error).message === `thrown in ${origin as string}`) {
      assert.equal(failures, 1);
      this.#logged.set(origin as string, (this.#logged.get(origin as string) ?? 0) + 1);
    }
  }
}

/** Sends a request to a Unix socket, and waits for the end of the connection or of the answer. */
async function answerOf(socketPath: string): Promise<void> {
  const request = httpRequest({ socketPath: shortestPath(socketPath), path: '/', agent: false });
  request.on('response', (response) => response.resume());
  request.on('error', () => undefined);
  request.end();
  await new Promise((resolve) => request.once('close', resolve));
}

describe('A handler that throws ends neither process nor party', function () {
  this.timeout(60_000);
  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) {
      await close();
    }
  });

  /** A handshake that fails. */
  const garbage = async (port: number): Promise<void> => {
    const socket = connect(port, '127.0.0.1', () => socket.end('garbage'.repeat(100)));
    await new Promise<void>((resolve) => {
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
      socket.resume();
    });
  };

  /** Breaks all links to some relays, once, and waits until they have come back through some failures. */
  const breakLinks = (tier: TierUnderTest, indices: readonly number[]): (() => Promise<void>) => {
    let isBroken = false;
    return async () => {
      if (isBroken) {
        return;
      }
      isBroken = true;
      for (const index of indices) {
        await tier.relay(index).stop();
        await tier.startRelay(index);
      }
      await pause(3_000);
    };
  };
  const portOf = (tier: TierUnderTest, index: number): number => Number(tier.target(index).address.split(':')[1]);

  const LISTENING = ['link accepted', 'link admitted', 'link read', 'link ended', 'frame', 'handshake failed'];
  const RELAY = [...LISTENING, 'slot', 'relay slot', 'loop', 'packets', 'packet', 'delay pool', 'link up', 'metrics'];
  it('in relays of the first and of the last layer', async () => {
    const tier = new TierUnderTest(undefined, true);
    closers.push(() => tier.stop());
    await tier.start();
    const throwers = new Map([
      [0, new Thrower()],
      [2, new Thrower()],
    ]);
    for (const [index, { context }] of throwers) {
      await tier.relay(index).stop();
      tier.context = context;
      await tier.startRelay(index);
      tier.context = {};
    }
    let meter = await tier.meter(0);
    const send = async (): Promise<void> => {
      meter = meter.isUp ? meter : await tier.meter(0, `meter ${osRandom(4).join()}`);
      meter.send(FRAME.packet, tier.packet(FAST));
      await tier.advance(2_000);
    };
    const links = breakLinks(tier, [1, 3]);
    throwers.forEach((thrower) => thrower.start(RELAY));
    for (let rounds = 0; [...throwers.values()].some(({ left }) => left.length > 0) && rounds < 20; rounds++) {
      await links();
      await send();
      await send();
      for (const index of throwers.keys()) {
        await garbage(portOf(tier, index));
        await tier.metrics(index).catch(() => undefined);
      }
      await tier.advance(SLOT - 4_000);
      await pause(200);
    }
    throwers.forEach((thrower) => thrower.finish());

    const before = tier.arrived.length;
    for (let attempt = 0; attempt < 20 && tier.arrived.length === before; attempt++) {
      await tier.advance(SLOT);
      await send();
      await tier.advance(5_000);
    }
    assert.ok(tier.arrived.length > before, 'they pass packets on');
    for (const index of throwers.keys()) {
      assert.match(await tier.metrics(index), /gridveil_relay_task_failures_total\{origin="packets"\} 1/);
    }
  });

  it('in a meter', async () => {
    const tier = new TierUnderTest();
    closers.push(() => tier.stop());
    await tier.start();
    // An entry relay sends nothing to a meter.
    const thrower = new Thrower(['link read']);
    const { address, linkPin: pin } = tier.directory.relays[0]!.descriptor;
    const entry = { address, pin };
    const packets = () => {
      const packet = () => ({ entry, bytes: tier.packet(FAST) });
      return Promise.resolve({ controlCenter: packet(), hub: packet(), entryRelays: [entry] });
    };
    const parts = {
      meter: { read: () => Promise.resolve(), slot: packets, balance: { measured: 0n, carried: 0n, inFlight: 0n } },
      bulletin: { versions: [tier.kit.signedParameters] },
      link: await tier.certified('meter', 'meter'),
    };
    const context = { clock: tier.clock, random: osRandom, report: () => undefined, ...thrower.context };
    const daemon = new MeterDaemon(parts, { addressOverrides: tier.overrides }, context, {
      times: new ReadingTimes(osRandom),
      onSlot: () => undefined,
      onFailure: (error) => assert.fail(error as Error),
    });
    closers.push(() => daemon.stop());
    await tier.advance(SLOT);
    const links = breakLinks(tier, [0]);
    await thrower.everywhere(async () => {
      await links();
      await tier.advance(SLOT);
      await pause(200);
    }, ['slot', 'read', 'packet', 'link', 'link made', 'link up', 'link down', 'link written']);
    await tier.advance(SLOT);
    const before = tier.arrived.length;
    await tier.advance(SLOT);
    assert.equal(tier.arrived.length, before + 2, 'it sends in every slot');
  });

  it('in a hub', async () => {
    const thrower = new Thrower();
    const tier = new TierUnderTest();
    closers.push(() => tier.stop());
    await tier.start();
    const link = await tier.certified('hub', 'hub');
    const { address } = tier.directory.relays[2]!.descriptor;
    let drained: Uint8Array[] = [];
    const opened = {
      hub: {
        sums: {},
        slot: async (_slot: unknown, drain: () => Promise<Uint8Array[]>) => {
          drained.push(...(await drain().catch(() => [])));
        },
      },
      bulletin: { versions: [tier.kit.signedParameters], directory: () => Promise.resolve(tier.directory) },
      link,
    } as unknown as OpenedHub;
    const context = { clock: tier.clock, random: osRandom, report: () => undefined, ...thrower.context };
    const config = { addressOverrides: tier.overrides, mailboxRelay: address };
    const daemon = new HubDaemon(opened, config, context, {
      times: new ReadingTimes(osRandom),
      onSlot: () => undefined,
      onFailure: (error) => assert.fail(error as Error),
    });
    closers.push(() => daemon.stop());
    await tier.advance(SLOT);
    await thrower.everywhere(async () => {
      await tier.advance(SLOT);
      await pause(250);
    }, ['slot', 'read', 'link', 'link made', 'link up', 'link down', 'link read', 'link written', 'frame']);
    await tier.advance(SLOT);
    drained = [];
    const meter = await tier.meter(0);
    meter.send(FRAME.packet, tier.packet(FAST, { to: 'mailbox', relay: 2, mailbox: mailboxIdOf(link.key.pin) }));
    await tier.advance(SLOT);
    assert.equal(drained.length, 1, 'it gets what comes for it');
  });

  it('in a control center', async () => {
    const thrower = new Thrower();
    const kit = await ControlCenterUnderTest.create();
    closers.push(() => kit.remove());
    closers.push(() => kit.stop());
    kit.changes = thrower.context;
    const center = await kit.start();
    kit.changes = {};
    await kit.startProvider();
    const meters = await kit.enrolMeters(center, 4);
    await kit.announce(center, [0, 1]);
    await kit.advanceTo(kit.startSeconds - L);
    const onionKey = await kit.onionKey(center, 0);
    const parameters = await kit.parameters(center);
    await kit.advanceTo(kit.startSeconds + L + 10);
    await thrower.everywhere(async () => {
      await kit.parameters(center).catch(() => undefined);
      await garbage(center.linkPort);
      await answerOf(join(kit.directory, 'center', 'enrolment.sock'));
      const filler = meters[0]!.packet(onionKey, 0, kit.startSeconds, []);
      await kit.send(center, [filler]);
      await pause(20);
    }, [...LISTENING, 'enrolment']);
    const rows = meters.map((meter) =>
      meter.packet(onionKey, 0, kit.startSeconds + L, [
        meter.row(parameters, { startSeconds: kit.startSeconds, epoch: 0, category: 0 }),
      ]),
    );
    await kit.send(center, rows);
    await kit.advanceTo(kit.startSeconds + 2 * L + 120);
    const settled = kit.reports.find(({ name }) => name === 'settled')?.data;
    assert.equal(settled?.['rows'], 4, 'it seals what comes');
  });

  for (const [origin, fault] of [
    ['uncaughtException', 'throw new Error("planted")'],
    ['unhandledRejection', 'void Promise.reject(new Error("planted"))'],
  ] as const) {
    it(`and what reaches no handler ends the process with code 1 and a line in the log (${origin})`, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'gridveil-uncaught-'));
      closers.push(() => rm(folder, { recursive: true }));
      await createFileKey(join(folder, 'file.key'));
      const config = {
        directory: join(folder, 'relay'),
        region: 'test',
        operator: 'one',
        layer: 1,
        links: { host: '127.0.0.1', port: 0, address: 'a.invalid:1' },
        controlCenter: {
          url: 'https://127.0.0.1:1',
          pin: '00'.repeat(32),
          linkAddress: 'b.invalid:1',
          linkPin: '00'.repeat(32),
        },
        trustAnchor: '00'.repeat(32),
      };
      await writeFile(join(folder, 'relay.json'), JSON.stringify(config));
      // Planted in a timer of its own, once the process says what it does with such an error.
      const planted = `const timer = setInterval(() => {
        if (process.listenerCount('uncaughtException') > 0) { clearInterval(timer); ${fault}; }
      }, 20);`;
      const command = ['relay', 'run', '--config', join(folder, 'relay.json')];
      const party = spawn(
        process.execPath,
        ['--import', `data:text/javascript,${encodeURIComponent(planted)}`, CLI, ...command],
        { env: { ...process.env, GRIDVEIL_KEY_FILE: join(folder, 'file.key') }, stdio: ['ignore', 'ignore', 'pipe'] },
      );
      let text = '';
      party.stderr.on('data', (part: Buffer) => (text += part.toString()));
      const [code] = (await once(party, 'close')) as [number];
      assert.equal(code, 1);
      const line = text.split('\n').find((one) => one.includes('an error was not handled'));
      const logged = JSON.parse(line!) as { level: number; origin: string; err: { message: string } };
      assert.deepEqual([logged.level, logged.origin, logged.err.message], [60, origin, 'planted']);
      assert.match(text, /gridveil: INTERNAL: planted/);
    });
  }
});
