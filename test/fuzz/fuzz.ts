// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import type { FuzzTarget } from './input.js';
import { Mutator } from './mutate.js';
import { regressionsOf } from './regressions.js';

/** For how long a target is given inputs. Without it they are the same in every run, and few. */
export const SECONDS = Number(process.env['GRIDVEIL_FUZZ_SECONDS'] ?? 0);
const INPUTS = 1_000;
const MILLISECONDS = SECONDS === 0 ? 400 : SECONDS * 1_000;
/** Far above what any input takes, even on a machine that does much else. */
const MOST_MILLISECONDS_AN_INPUT = 3_000;

/** Gives a target its seeds, what broke it once, and mutated inputs. */
export async function fuzz(target: FuzzTarget): Promise<void> {
  const seeds = await target.seeds();
  for (const [index, seed] of seeds.entries()) {
    assert.equal(await target.run(seed), true, `seed ${index} is refused`);
  }
  for (const bytes of regressionsOf(target)) {
    await tryInput(target, bytes);
  }
  const until = performance.now() + MILLISECONDS;
  const mutator = new Mutator(SECONDS === 0 ? target.name : `${target.name} ${process.hrtime.bigint()}`, seeds);
  for (let input = 0; (SECONDS > 0 || input < INPUTS) && performance.now() < until; input++) {
    await tryInput(target, mutator.next());
  }
}

async function tryInput(target: FuzzTarget, bytes: Uint8Array): Promise<void> {
  const started = performance.now();
  try {
    await target.run(bytes);
  } catch (cause) {
    const hex = Buffer.from(bytes).toString('hex');
    throw new Error(`${(cause as Error).message}; the input in hexadecimal: ${hex}`, { cause });
  }
  const took = performance.now() - started;
  assert.ok(took < MOST_MILLISECONDS_AN_INPUT, `${took} ms for ${Buffer.from(bytes).toString('hex')}`);
}
