// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { NETWORK_FOLDER } from '../../network/topology/topology.js';

const ROOT = join(NETWORK_FOLDER, '..');

interface Workflow {
  readonly jobs: Readonly<
    Record<string, { readonly steps: readonly { readonly run?: string; readonly uses?: string }[] }>
  >;
}

describe('.github', () => {
  const files = readdirSync(join(ROOT, '.github'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.yml'),
  );
  const read = (name: string): unknown => load(readFileSync(join(ROOT, '.github', name), 'utf8'));

  for (const name of files) {
    it(`${name} is well-formed YAML`, () => {
      assert.equal(typeof read(name), 'object');
    });
  }

  for (const name of files.filter((file) => file.startsWith('workflows'))) {
    it(`${name} runs commands that exist`, () => {
      const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
      const commands = Object.values((read(name) as Workflow).jobs)
        .flatMap(({ steps }) => steps)
        .flatMap(({ run, uses }) => {
          assert.ok(run !== undefined || uses !== undefined, 'a step runs a command or uses an action');
          return (run ?? '').split('\n').filter((line) => line.trim() !== '');
        });
      assert.ok(commands.length > 0);
      for (const command of commands) {
        const [program = '', ...args] = command.trim().split(/\s+/);
        if (program === 'npm') {
          const script = args[0] === 'run' ? args[1] : args[0];
          assert.ok(script === 'ci' || Object.hasOwn(scripts, script ?? ''), command);
        } else {
          accessSync(join(ROOT, program), constants.X_OK);
        }
      }
    });
  }
});
