// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fuzz, SECONDS } from './fuzz.js';
import { targets as chaincode } from './targets/chaincode.js';
import { targets as documents } from './targets/documents.js';
import { targets as faces } from './targets/faces.js';
import { targets as files } from './targets/files.js';
import { targets as onion } from './targets/onion.js';
import { targets as rows } from './targets/rows.js';
import { targets as states } from './targets/states.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

const targets = [documents, rows, onion, states, files, faces, chaincode].flat();

/** Parts of readers that have a target, and `decodeBlock`: blocks come from a peer of the own organisation. */
const WITHOUT_TARGET = ['decodeBlock', 'parseDate', 'parseInstant'];

describe('fuzzing with mutated inputs', function () {
  this.timeout(SECONDS * 1_000 + 60_000);

  for (const target of targets) {
    it(`${target.name}: only refusals with a code come out, and nothing has two encodings`, () => fuzz(target));
  }
  after(async () => {
    for (const target of targets) {
      await target.close?.();
    }
  });

  it('every exported decoder has a target', () => {
    const covered = sources(join(ROOT, 'test', 'fuzz', 'targets')).map((file) => readFileSync(file, 'utf8'));
    const missing = decoders().filter((name) => !covered.some((text) => new RegExp(`\\b${name}\\b`).test(text)));
    assert.deepEqual(missing, WITHOUT_TARGET);
  });
});

/** The decoders of the protocol and the parties, by their names. */
function decoders(): string[] {
  const pattern = /^export (?:async )?function ((?:decode|parse|peel)\w*)\(/gm;
  return [...sources(join(ROOT, 'protocol')), ...sources(join(ROOT, 'client-apps'))]
    .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(pattern)].map(([, name]) => name!))
    .sort();
}

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => join(folder, file));
}
