// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readingsFor } from '../client-apps/demo/readings.js';
import { runDemo } from '../client-apps/demo/run.js';

const SEED = 'gridveil bench';
const K_ANONYMITY = 5;
const LAYERS = 4;
const RELAYS_PER_LAYER = 2;

/** Measures the default `gridveil demo`: 100 households, 4 intervals, 17 processes. */
export async function benchDemo(): Promise<Record<string, number>> {
  const scratch = await mkdtemp(join(tmpdir(), 'gridveil-bench-demo-'));
  const start = performance.now();
  const seconds = (): number => Math.round((performance.now() - start) / 100) / 10;
  let running = 0;
  try {
    const { rows } = await runDemo(
      {
        readings: await readingsFor({ seed: SEED }, K_ANONYMITY),
        ledger: 'embedded',
        seed: SEED,
        region: 'bench',
        out: join(scratch, 'out'),
        kAnonymity: K_ANONYMITY,
        identityMode: 'chain',
        priceMode: 'ledger',
        layers: LAYERS,
        relaysPerLayer: RELAYS_PER_LAYER,
        householdRelays: false,
        keep: false,
      },
      { onPhase: () => {}, onProgress: () => (running ||= seconds()), onKept: () => {} },
    );
    return {
      'seconds from start until all 17 processes run and are enrolled': running,
      'seconds of the whole run': seconds(),
      'rows published, priced, billed and verified': rows,
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
