// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { quoted, tableRows } from '../support/markdown.js';

const at = (path: string): URL => new URL(`../../../${path}`, import.meta.url);

describe('docs/OPERATIONS.md, deadlines', () => {
  const rows = tableRows(readFileSync(at('docs/OPERATIONS.md'), 'utf8'), 'wait');

  it('has the waits for other parties', () => assert.ok(rows.length >= 20, `${rows.length} rows`));

  for (const [wait, milliseconds, constant] of rows) {
    const [file, name] = quoted(constant!) as [string, string];
    it(`${wait} is ${name} of ${file}`, async () => {
      const compiled = at(`dist/${file.replace(/\.ts$/, '.js')}`).href;
      const [exported, member] = name.split('.') as [string, string?];
      const value = ((await import(compiled)) as Record<string, unknown>)[exported];
      const actual = member === undefined ? value : (value as Record<string, unknown>)[member];
      assert.equal(actual, Number(milliseconds!.replaceAll(',', '')));
    });
  }

  // A deadline that nobody documents is one that an operator cannot find.
  it('has every deadline of the bulletin server and of HTTPS', () => {
    const named = new Set(rows.map(([, , constant]) => quoted(constant!).join(' ')));
    for (const file of [
      ...['gate', 'server', 'send-file', 'enrolment-forwarder'].map((name) => `client-apps/bulletin/serve/${name}.ts`),
      ...['pinned-https', 'mailbox-client'].map((name) => `client-apps/links/${name}.ts`),
    ]) {
      for (const [, name] of readFileSync(at(file), 'utf8').matchAll(/^export const (\w+_MILLISECONDS) /gm)) {
        assert.ok(named.has(`${file} ${name}`), `${file} ${name}`);
      }
    }
  });
});
