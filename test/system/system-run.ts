// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Outcome } from '../../client-apps/cli/demo/outcome.js';
import { runDemo, type RunSettings } from '../../client-apps/cli/demo/run.js';
import { syntheticReadings } from '../../client-apps/common/readings/synthetic.js';

/** Seed of every run whose bulletin is compared with another's. */
export const SEED = 'whole-system tests';

/** A small region in which every category of the first interval can be published. */
export const SMALL: Omit<RunSettings, 'out'> = {
  readings: syntheticReadings({
    seed: SEED,
    meters: 8,
    intervals: 2,
    intervalSeconds: 1_800,
    startSeconds: Date.UTC(2026, 0, 5, 17) / 1_000,
  }),
  ledger: 'embedded',
  seed: SEED,
  region: 'small',
  kAnonymity: 2,
  layers: 2,
  relaysPerLayer: 2,
  keep: false,
};

/** A finished run. */
export interface SystemRun {
  readonly outcome: Outcome;
  /** The bulletin's directory. */
  readonly out: string;
}

const scratch: string[] = [];

/** A folder that is removed when the tests are over. */
export async function scratchFolder(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `gridveil-test-${name}-`));
  scratch.push(folder);
  return folder;
}

after(() => Promise.all(scratch.splice(0).map((folder) => rm(folder, { recursive: true, force: true }))));

/** Runs the whole system. */
export async function systemRun(settings: Partial<RunSettings> = {}): Promise<SystemRun> {
  const out = join(await scratchFolder('run'), 'out');
  const silent = { begins: () => {}, moves: () => {} };
  return { outcome: await runDemo({ ...SMALL, out, ...settings }, silent), out };
}

let small: Promise<SystemRun> | undefined;

/** The undisturbed run of {@link SMALL}, made once for all tests that only look at its bulletin. */
export function smallRun(): Promise<SystemRun> {
  small ??= systemRun();
  return small;
}
