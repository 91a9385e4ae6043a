// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { fork, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { directoryName } from '../../client-apps/demo/addresses.js';
import type { ChildSpec } from '../../client-apps/demo/processes/child.js';
import { planRun } from '../../client-apps/demo/plan.js';
import { syntheticReadings } from '../../client-apps/readings/synthetic.js';
import { openFileLimit } from '../../client-apps/runtime/open-files.js';
import { directoryFile } from '../../protocol/ledger/bulletin.js';
import { decodeSignedDirectory } from '../../protocol/onion/directory-format.js';
import { needsLedgersOfItsOwn } from '../support/ledger/ledger-under-test.js';
import { filesUnder } from '../support/system/bulletin-files.js';
import type { Attack, AttackFigures } from '../support/system/face-attack.js';
import { gridveil, scratchFolder, SMALL, systemRun, type SystemRun } from '../support/system/system-run.js';

const HOOK = new URL('../support/system/hostile-hook.js', import.meta.url).href;
const ATTACKER = fileURLToPath(new URL('../support/system/face-attack.js', import.meta.url));

/** `full` is the region of the claim; without it a small one is attacked as hard for its size. */
const FULL = process.env['GRIDVEIL_ATTACK'] === 'full';
const SIZES = FULL
  ? { meters: 100, intervals: 3, intervalSeconds: 3_600, layers: 3, openFiles: 1_024, floodFrames: 2_000, minutes: 30 }
  : { meters: 12, intervals: 2, intervalSeconds: 1_800, layers: 2, openFiles: 256, floodFrames: 500, minutes: 6 };
const ATTACK = FULL
  ? { idle: 2_000, slow: 200, pipelining: 50, pauseMilliseconds: 3_000 }
  : { idle: 300, slow: 20, pipelining: 5, pauseMilliseconds: 5_000 };
const RELAYS_PER_LAYER = 6;
const SLOT_SECONDS = 300;
/** Open files of the attacking process besides its connections. */
const OTHER_OPEN_FILES = 64;

/** In every layer a relay that announces a fault, and one with a right descriptor that does harm. */
const RELAY_PARTS: Readonly<Record<string, string>> = FULL
  ? {
      'relay-1-1': 'bad-key',
      'relay-1-2': 'drop',
      'relay-2-1': 'bad-port',
      'relay-2-2': 'flood',
      'relay-3-1': 'another-address',
      'relay-3-6': 'silent-mailbox',
    }
  : {
      'relay-1-1': 'bad-key',
      'relay-1-2': 'bad-port',
      'relay-1-3': 'drop',
      'relay-2-1': 'another-address',
      'relay-2-2': 'flood',
      'relay-2-6': 'silent-mailbox',
    };
const PARTS: Readonly<Record<string, string>> = {
  ...RELAY_PARTS,
  'control-center': 'control-center',
  'service-provider': 'poison',
  'bulletin-server': 'bulletin-server',
  hubs: 'hubs',
};
/** An honest relay that the flood meets. */
const FLOODED = 'relay-1-6';
const ANOTHER_ADDRESS = directoryName(FLOODED);
const relayOf = (part: string): string => Object.keys(RELAY_PARTS).find((name) => RELAY_PARTS[name] === part)!;
const LEFT_OUT = ['bad-key', 'bad-port', 'another-address'].map(relayOf);

const READINGS = syntheticReadings({
  seed: 'hostile region',
  meters: SIZES.meters,
  intervals: SIZES.intervals,
  intervalSeconds: SIZES.intervalSeconds,
  startSeconds: Date.UTC(2026, 0, 5, 17) / 1_000,
});

/** What the hooks of the processes noted: seals of consumption, poisoned headers, and floods. */
interface Sealed {
  readonly sealed: number;
  readonly atSeconds: number;
}
interface Poisoned {
  readonly poisoned: number;
  readonly refused: string;
}
interface Flooded {
  /** Neighbours. */
  readonly flooded: number;
}
interface Notes {
  readonly sealed: readonly Sealed[];
  readonly poisoned: readonly Poisoned[];
  readonly flooded: readonly Flooded[];
}

/** What a run left behind. */
interface HostileRun extends SystemRun {
  readonly notes: Notes;
  readonly attack: AttackFigures;
  readonly logs: ReadonlyMap<string, string>;
  readonly restarts: number;
}

/** Changes the configuration of a process that is about to start. */
function reconfigure<T>({ args }: ChildSpec, change: (config: T) => void): T {
  const file = args[args.indexOf('--config') + 1]!;
  const config = JSON.parse(readFileSync(file, 'utf8')) as T;
  change(config);
  writeFileSync(file, JSON.stringify(config));
  return config;
}

async function hostileRun(): Promise<HostileRun> {
  const notesFile = join(await scratchFolder('hostile'), 'notes');
  writeFileSync(notesFile, '');
  const { closes, firstIntervalSeconds } = planRun(READINGS, { ...SMALL, layers: SIZES.layers });
  const startOf = (index: number): number => firstIntervalSeconds + index * SIZES.intervalSeconds;
  // The bills of an interval come after the next one is sealed.
  const billed = closes.map((close, index) => [
    startOf(index),
    index + 1 < closes.length ? closes[index + 1]! + 30 : close + 60,
  ]);
  const schedule = {
    silentUntil: closes.at(-1)! + 60,
    billed: Object.fromEntries(billed) as object,
    floodFrom: firstIntervalSeconds + SLOT_SECONDS,
    floodFrames: SIZES.floodFrames,
    openFiles: SIZES.openFiles,
  };
  let attacker: ChildProcess | undefined;
  let attack: AttackFigures | undefined;
  let logs = new Map<string, string>();
  let restarts = 0;
  const beforeStart = (spec: ChildSpec): ChildSpec => {
    const part = PARTS[spec.name];
    if (part === undefined) {
      return spec;
    }
    if (part === 'control-center') {
      reconfigure<{ relays: { operator: string; address: string }[] }>(spec, ({ relays }) => {
        // The operator was told that address too.
        relays.find(({ operator }) => operator === relayOf('another-address'))!.address = ANOTHER_ADDRESS;
      });
    }
    if (part === 'bulletin-server') {
      const { listen } = reconfigure<{ listen: { port: number } }>(spec, () => undefined);
      const path = directoryFile(SMALL.region, 0);
      attacker = fork(ATTACKER, [JSON.stringify({ ...ATTACK, path, port: listen.port } satisfies Attack)]);
    }
    return {
      ...spec,
      nodeArgs: ['--import', HOOK],
      environment: {
        ...spec.environment,
        GRIDVEIL_TEST_PART: part,
        GRIDVEIL_TEST_NOTES: notesFile,
        GRIDVEIL_TEST_SCHEDULE: JSON.stringify(schedule),
        GRIDVEIL_TEST_ADDRESS: ANOTHER_ADDRESS,
      },
      // The server has no schedule. On simulated time every request of an attacker would hold the region's clock.
      ...(part === 'bulletin-server' && {
        stepped: false,
        args: spec.args.filter((argument) => argument !== '--stepped-clock'),
      }),
    };
  };
  try {
    const run = await systemRun({
      readings: READINGS,
      ...{ layers: SIZES.layers, relaysPerLayer: RELAYS_PER_LAYER },
      hooks: {
        beforeStart,
        async beforeEnd({ runDirectory, processes }) {
          attacker!.send('figures');
          [attack] = (await once(attacker!, 'message')) as [AttackFigures];
          const bytes = await filesUnder(runDirectory.logs);
          logs = new Map([...bytes].map(([name, log]) => [name, new TextDecoder().decode(log)]));
          restarts = processes.restarts.size;
        },
      },
    });
    const lines = readFileSync(notesFile, 'utf8').trimEnd().split('\n');
    const all = lines.map((line) => JSON.parse(line) as Partial<Sealed & Poisoned & Flooded>);
    const notes = {
      sealed: all.filter((one): one is Sealed => 'sealed' in one),
      poisoned: all.filter((one): one is Poisoned => 'poisoned' in one),
      flooded: all.filter((one): one is Flooded => 'flooded' in one),
    };
    return { ...run, notes, attack: attack!, logs, restarts };
  } finally {
    attacker?.kill('SIGKILL');
  }
}

describe('a region with hostile relays, clients, mailbox and service provider', function () {
  this.timeout(SIZES.minutes * 60_000);
  needsLedgersOfItsOwn();
  let run: HostileRun;
  before(async function () {
    const { idle, slow, pipelining } = ATTACK;
    const needed = idle + slow + pipelining + OTHER_OPEN_FILES;
    if (openFileLimit() < needed || spawnSync('prlimit', ['--version']).error !== undefined) {
      process.stderr.write(`the attack needs prlimit, and ${needed} open files of ${openFileLimit()}: skipped\n`);
      this.skip();
    }
    run = await hostileRun();
  });

  it('seals every interval of consumption at its scheduled close', () => {
    const { closes } = planRun(READINGS, { ...SMALL, layers: SIZES.layers });
    assert.deepEqual(
      run.outcome.intervals.map(({ seals }) => seals.consumption.closeSeconds),
      closes,
    );
    assert.deepEqual(
      run.notes.sealed.map(({ atSeconds }) => Math.floor(atSeconds)),
      closes,
    );
  });

  it('has every bill verified once the service provider behaves, and a bulletin that verifies', async () => {
    const { outcome, out, notes } = run;
    assert.equal(notes.poisoned.length, SIZES.intervals);
    assert.ok(notes.poisoned.every(({ refused }) => refused === 'PAGE_MISMATCH'));
    assert.deepEqual([outcome.consumers.verified, outcome.consumers.disputes], [SIZES.meters, 0]);
    assert.ok(outcome.rows > 0 && outcome.billedNanoCurrency > 0n);
    await gridveil('verify', out, '--cc-key', outcome.fingerprint);
  });

  it('names the relays with faults, and has none of them in the directory', async () => {
    const center = run.logs.get('control-center.log')!;
    const named = (part: string, reason: string): void =>
      assert.match(center, new RegExp(`"operator":"${relayOf(part)}".*${reason}`));
    named('bad-key', 'BAD_POINT');
    named('bad-port', 'MALFORMED');
    named('another-address', 'no relay with its link key answers at its address');
    const { directory } = decodeSignedDirectory(await readFile(join(run.out, directoryFile(SMALL.region, 0))));
    assert.equal(directory.relays.length, SIZES.layers * RELAYS_PER_LAYER - LEFT_OUT.length);
    assert.ok(directory.relays.every(({ descriptor: { operator } }) => !LEFT_OUT.includes(operator)));
  });

  it('was attacked: floods and a mailbox that is silent were logged by those they met, and no process ended', () => {
    const { logs, notes, attack, restarts } = run;
    assert.equal(restarts, 0);
    assert.ok(notes.flooded.some(({ flooded }) => flooded > 0));
    const flooder = new RegExp(`"operator":"${relayOf('flood')}".*"refused":true`);
    for (const met of [`${FLOODED}.log`, 'control-center.log']) {
      assert.match(logs.get(met)!, flooder, met);
    }
    assert.match(logs.get('hubs.log')!, /mailbox unavailable in this slot/);
    const { idle, slow, pipelining } = ATTACK;
    assert.ok(attack.mostOpen > 0.9 * (idle + slow + pipelining), `${attack.mostOpen} connections at once`);
    assert.ok(attack.received > 0);
  });
});
