// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../client-apps/cli/main.js', import.meta.url));

/** Writes what a process used to file 3 as it ends. */
const MEASURE = `data:text/javascript,${encodeURIComponent(`
  import { writeSync } from 'node:fs';
  process.on('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    writeSync(3, JSON.stringify({ cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, megabytes: maxRSS / 1024 }));
  });
`)}`;

/** A command that has ended, with all that it used. */
export interface MeasuredCommand {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly cpuSeconds: number;
  /** Maximum resident set, MiB. */
  readonly megabytes: number;
}

/** Runs `gridveil` in a process of its own. */
export async function measuredCommand(...args: string[]): Promise<MeasuredCommand> {
  const child = spawn(process.execPath, ['--import', MEASURE, PROGRAM, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const output: [string, string, string] = ['', '', ''];
  ([0, 1, 2] as const).forEach((i) => {
    child.stdio[i + 1]!.on('data', (chunk: Buffer) => (output[i] += chunk.toString()));
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [stdout, stderr, used] = output;
  return { code, stdout, stderr, ...(JSON.parse(used) as { cpuSeconds: number; megabytes: number }) };
}
