// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SECONDS } from './fuzz.js';
import type { FuzzTarget } from './input.js';
import { regressionsOf } from './regressions.js';
import { KINDS, targetsOf, type Kind } from './targets.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const JAZZER = join(ROOT, 'node_modules', '@jazzer.js', 'core', 'dist', 'cli.js');
const INSTRUMENTED = ['dist/protocol/', 'dist/client-apps/', 'dist/network/', 'dist/chaincode/'];

/** Most memory of a process, with the fuzzer's own. */
const MOST_MEGABYTES = 1_024;
const MOST_SECONDS_AN_INPUT = 5;
const STARTING_SECONDS = 60;

/** Why coverage-guided fuzzing is not possible here. */
function obstacle(): string | undefined {
  if (SECONDS === 0) {
    return 'GRIDVEIL_FUZZ_SECONDS is not set';
  }
  try {
    createRequire(JAZZER)('@jazzer.js/fuzzer');
    return undefined;
  } catch (error) {
    return (error as Error).message.split('\n', 1)[0];
  }
}

const reason = obstacle();

describe(`fuzzing guided by coverage${reason === undefined ? '' : ` (not here: ${reason})`}`, function () {
  this.timeout((SECONDS + STARTING_SECONDS) * 1_000);

  for (const kind of Object.keys(KINDS) as Kind[]) {
    if (reason !== undefined) {
      it(kind);
      continue;
    }
    it(`${kind}: no target crashes, hangs or uses much memory`, async function () {
      const targets = await targetsOf(kind);
      this.timeout(targets.length * (SECONDS + STARTING_SECONDS) * 1_000);
      for (const target of targets) {
        try {
          await fuzzGuided(kind, target);
        } finally {
          await target.close?.();
        }
      }
    });
  }
});

/** One target in a process of its own, from its seeds and from what broke it once. */
async function fuzzGuided(kind: Kind, target: FuzzTarget): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'gridveil-fuzz-'));
  try {
    const corpus = join(scratch, 'corpus');
    await mkdir(corpus);
    for (const [index, bytes] of [...(await target.seeds()), ...regressionsOf(target)].entries()) {
      await writeFile(join(corpus, String(index)), bytes);
    }
    const includes = INSTRUMENTED.flatMap((folder) => ['-i', folder]);
    // The target of a face is its client: that it connects is no finding.
    const mode = [...(KINDS[kind] === 'sync' ? ['--sync'] : []), '--disableBugDetectors', 'ssrf'];
    const limits = [
      `-max_total_time=${SECONDS}`,
      `-rss_limit_mb=${MOST_MEGABYTES}`,
      `-timeout=${MOST_SECONDS_AN_INPUT}`,
      `-artifact_prefix=${scratch}/`,
    ];
    const entry = join(ROOT, 'dist', 'test', 'fuzz', 'guided.js');
    const { code, output } = await run([JAZZER, entry, corpus, ...includes, ...mode, '--', ...limits], {
      GRIDVEIL_FUZZ_KIND: kind,
      GRIDVEIL_FUZZ_TARGET: target.name,
    });
    const found = (await readdir(scratch)).find((name) => /^(?:crash|timeout|oom)-/.test(name));
    const input = found === undefined ? 'none' : (await readFile(join(scratch, found))).toString('hex');
    assert.equal(code, 0, `${target.name}: ${output}\nthe input in hexadecimal: ${input}`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Runs the fuzzer. @returns its exit code and the last lines that it wrote */
function run(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let output = '';
    let isDone = false;
    child.stderr.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4_000);
      // Without a finding the fuzzer leaves the process to itself, and a listener keeps it alive.
      if (!isDone && /^#\d+\s+DONE /m.test(output)) {
        isDone = true;
        child.kill('SIGKILL');
      }
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: isDone ? 0 : code, output }));
  });
}
