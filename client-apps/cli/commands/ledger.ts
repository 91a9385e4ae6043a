// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';

/** `gridveil ledger …`: the development ledger's own command line, whose results are JSON already. */
export function addLedger(program: Command): void {
  program
    .command('ledger [arguments...]')
    .description(
      'the development ledger: up, createChannel, deployCC, status, restart, down (ledger --help tells more)',
    )
    .helpOption(false)
    .allowUnknownOption()
    .action(async (given: string[]) => {
      const script = fileURLToPath(new URL('../../../network/embedded/main.js', import.meta.url));
      const args = given.length === 0 ? ['--help'] : given;
      process.exitCode = await new Promise<number>((resolve, reject) => {
        const child = spawn(process.execPath, [script, ...args], { stdio: 'inherit' });
        child.once('error', reject);
        child.once('exit', (code) => {
          resolve(code ?? 1);
        });
      });
    });
}
