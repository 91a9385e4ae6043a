// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ChildSpec } from '../../../client-apps/demo/processes/child.js';
import type { Outcome } from '../../../client-apps/demo/outcome.js';
import { runDemo, type RunSettings } from '../../../client-apps/demo/run.js';
import { connectLedger, type DecodedBlock } from '../../../client-apps/ledger/index.js';
import { syntheticReadings } from '../../../client-apps/readings/synthetic.js';
import { LEDGER_KINDS, type LedgerKind } from '../../../protocol/ledger/row.js';
import { FabricUnderTest } from '../ledger/fabric-under-test.js';
import { consensusUnderTest, ledgerKind, testNetworkUnderTest, TOPOLOGY_PATH } from '../ledger/kind.js';
import { filesUnder } from './bulletin-files.js';
import { MODES, modesText, type Modes } from '../modes.js';

const PROGRAM = fileURLToPath(new URL('../../../client-apps/cli/main.js', import.meta.url));

/** Seed of every run whose bulletin is compared with another's. */
export const SEED = 'whole-system tests';

/** A run or two of it, on a machine that has other things to do; on Fabric of the tests' own a network is made for each. */
export const RUN_MILLISECONDS = ledgerKind() === 'embedded' ? 240_000 : 900_000;

/** A small region in which every category of the first interval can be published. Golden bulletins are of its runs. */
export const SMALL = {
  readings: syntheticReadings({
    seed: SEED,
    meters: 20,
    intervals: 2,
    intervalSeconds: 1_800,
    startSeconds: Date.UTC(2026, 0, 5, 17) / 1_000,
  }),
  ledger: ledgerKind() === 'embedded' ? 'embedded' : 'fabric',
  seed: SEED,
  region: 'small',
  kAnonymity: 2,
  ...MODES[0],
  layers: 2,
  relaysPerLayer: 2,
  householdRelays: false,
  keep: false,
} satisfies Omit<RunSettings, 'out'>;

/** A finished run. */
export interface SystemRun {
  readonly outcome: Outcome;
  /** The bulletin's directory. */
  readonly out: string;
}

/** A finished run with all that its processes left behind, read before they ended. */
export interface OpenedRun extends SystemRun {
  /** All blocks, by channel. */
  readonly blocks: ReadonlyMap<LedgerKind, readonly DecodedBlock[]>;
  /** Output of each process (stdout and stderr), by file name. */
  readonly logs: ReadonlyMap<string, Uint8Array>;
  /** A bulletin that a member of the network rebuilt from the blocks, by the command. */
  readonly rebuilt: string;
}

const scratch: string[] = [];

/** A folder that is removed when the tests are over. */
export async function scratchFolder(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `gridveil-test-${name}-`));
  scratch.push(folder);
  return folder;
}

after(() => Promise.all(scratch.splice(0).map((folder) => rm(folder, { recursive: true, force: true }))));

/**
 * Runs the whole system, if nothing else is said on a ledger of the kind that the suite runs against: a new one, or the
 * test-network with a region of a new name. All have the same organisations.
 *
 * @param topologyPath of an embedded ledger
 */
export async function systemRun(settings: Partial<RunSettings> = {}, topologyPath = TOPOLOGY_PATH): Promise<SystemRun> {
  const out = join(await scratchFolder('run'), 'out');
  const run: RunSettings = { ...SMALL, out, ...settings };
  const testNetwork = testNetworkUnderTest();
  const consensus = consensusUnderTest();
  if (run.ledger === 'embedded') {
    return { outcome: await runWith({ GRIDVEIL_TOPOLOGY: topologyPath }, run), out };
  }
  if (consensus === undefined) {
    return { outcome: await runDemo({ ...run, testNetwork, region: undefined }, SILENT), out };
  }
  // A demo uses the network that exists.
  const fabric = await FabricUnderTest.start(consensus);
  try {
    const { directory, network } = fabric;
    const environment = { GRIDVEIL_FABRIC_DIR: directory, GRIDVEIL_TOPOLOGY: network.topologyPath };
    return { outcome: await runWith(environment, run), out };
  } finally {
    await fabric.stop();
  }
}

const SILENT = { onPhase: () => {}, onProgress: () => {}, onKept: () => {} };

async function runWith(variables: Record<string, string>, run: RunSettings): Promise<Outcome> {
  const environment = process.env;
  process.env = { ...environment, ...variables };
  try {
    return await runDemo(run, SILENT);
  } finally {
    process.env = environment;
  }
}

const small = new Map<string, Promise<OpenedRun>>();

/** The undisturbed run of {@link SMALL} in these modes, made once for all tests that only look at it. */
export function smallRun(modes: Modes): Promise<OpenedRun> {
  const name = modesText(modes);
  const run = small.get(name) ?? openedRun(modes);
  small.set(name, run);
  return run;
}

async function openedRun(modes: Modes): Promise<OpenedRun> {
  const rebuilt = await scratchFolder('rebuilt');
  const blocks = new Map<LedgerKind, DecodedBlock[]>();
  let logs = new Map<string, Uint8Array>();
  const run = await systemRun({
    ...modes,
    hooks: {
      beforeStart: talkative,
      async beforeEnd({ ledger, region, runDirectory }) {
        const { profile, identity } = ledger.access(ledger.roles.consumers);
        const client = connectLedger(profile, identity);
        try {
          for (const kind of LEDGER_KINDS) {
            const all: DecodedBlock[] = [];
            for await (const block of client.blocks(kind, 0n, (await client.height(kind)) - 1n)) {
              all.push(block);
            }
            blocks.set(kind, all);
          }
        } finally {
          client.close();
        }
        await gridveil(
          ...[
            'bulletin',
            'export',
            '--profile',
            profile,
            '--msp',
            identity.mspId,
            '--region',
            region,
            '--out',
            rebuilt,
          ],
          ...['--certificate', identity.certificatePath, '--key', identity.keyPath],
        );
        const fabric = consensusUnderTest() && process.env['GRIDVEIL_FABRIC_DIR'];
        logs = new Map([
          ...(await filesUnder(runDirectory.logs)),
          ...(fabric === undefined ? [] : await filesUnder(join(fabric, 'logs'))),
        ]);
      },
    },
  });
  return { ...run, blocks, logs, rebuilt };
}

/** Runs the command as a user does. @throws Error with what it prints, if it fails */
export async function gridveil(...args: readonly string[]): Promise<void> {
  await promisify(execFile)(process.execPath, [PROGRAM, ...args]);
}

/** Every process says all that it ever says, so that what must not be said would be seen. */
function talkative(spec: ChildSpec): ChildSpec {
  return {
    ...spec,
    args: spec.args.map((argument, index) => (spec.args[index - 1] === '--log-level' ? 'trace' : argument)),
    environment: { ...spec.environment, CORE_CHAINCODE_LOGGING_LEVEL: 'debug' },
  };
}
