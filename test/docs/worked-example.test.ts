// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const COPIED = ['network', 'chaincode', 'protocol', 'test', 'dist/chaincode', 'dist/protocol', 'dist/test'];
const COPIED_FILES = ['package.json', 'tsconfig.base.json', 'dist/.chaincode.tsbuildinfo'];
const INSTALLED = ['node_modules', 'chaincode/node_modules'];

/** Applies a unified diff as `git apply` does, each hunk at the one place where its old lines are. */
function apply(root: string, diff: string): void {
  for (const section of diff.split(/^(?=--- a\/)/m)) {
    const [head, ...hunks] = section.split(/^(?=@@ )/m);
    const file = /^\+\+\+ b\/(.+)$/m.exec(head!)![1]!;
    let text = readFileSync(join(root, file), 'utf8');
    for (const hunk of hunks) {
      const [range, ...lines] = hunk.replace(/\n$/, '').split('\n');
      const without = (sign: string): string[] =>
        lines.filter((line) => !line.startsWith(sign)).map((line) => `${line.slice(1)}\n`);
      const [before, after] = [without('+'), without('-')];
      const counts = /^@@ -\d+,(\d+) \+\d+,(\d+) @@/.exec(range!)!.slice(1).map(Number);
      assert.deepEqual([before.length, after.length], counts, `${file}: ${range}`);
      assert.equal(text.split(before.join('')).length, 2, `${file}: the old lines of ${range} are not there once`);
      text = text.replace(before.join(''), () => after.join(''));
    }
    writeFileSync(join(root, file), text);
  }
}

// The chapter is followed in a copy of the sources: what it says fails has to fail, what it says passes has to pass.
describe('docs/DEVELOP.md, “A new rule”', () => {
  const page = readFileSync(join(ROOT, 'docs', 'DEVELOP.md'), 'utf8');
  const chapter = page.split('\n### A new rule\n')[1]!.split('\n### ')[0]!;
  const blocks = (language: string): string[] =>
    [...chapter.matchAll(/^```(\w*)\n([^]*?)^```$/gm)]
      .filter(([, found]) => found === language)
      .map(([, , text]) => text!);
  let copy: string;

  before(() => {
    copy = mkdtempSync(join(tmpdir(), 'gridveil-example-'));
    const excluded = new Set(['node_modules', 'build']);
    for (const folder of COPIED) {
      cpSync(join(ROOT, folder), join(copy, folder), {
        recursive: true,
        preserveTimestamps: true,
        filter: (path) => !excluded.has(basename(path)),
      });
    }
    for (const file of COPIED_FILES) {
      cpSync(join(ROOT, file), join(copy, file));
    }
    for (const folder of INSTALLED) {
      symlinkSync(join(ROOT, folder), join(copy, folder), 'dir');
    }
    symlinkSync(join(ROOT, 'chaincode', 'node_modules'), join(copy, 'dist', 'chaincode', 'node_modules'), 'dir');
  });

  after(() => rmSync(copy, { recursive: true, force: true }));

  const node = (...args: string[]): { code: number | null; output: string } => {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: copy, encoding: 'utf8' });
    return { code: status, output: stdout + stderr };
  };

  /** Compiles the chaincode and runs what the chapter's command runs. */
  const runTest = (): { code: number | null; output: string } => {
    const options = ['--incremental', '--tsBuildInfoFile', 'dist/.chaincode.tsbuildinfo'];
    const compiled = node('node_modules/typescript/bin/tsc', '-p', 'chaincode/tsconfig.json', ...options);
    assert.equal(compiled.code, 0, compiled.output);
    const pattern = /--grep '([^']+)'/.exec(blocks('sh')[0]!)![1]!;
    const tests = 'dist/chaincode/consumption/*.test.js';
    return node('node_modules/mocha/bin/mocha.js', '--no-color', '--fail-zero', '--grep', pattern, tests);
  };

  it('fails before the rule as shown, and passes with it', () => {
    const [test, rule] = blocks('diff');
    apply(copy, test!);
    const red = runTest();
    assert.equal(red.code, 1, red.output);
    assert.ok(red.output.includes(blocks('')[0]!.trim()), red.output);
    apply(copy, rule!);
    const green = runTest();
    assert.equal(green.code, 0, green.output);
    assert.match(green.output, /\b1 passing\b/);
  }).timeout(120_000);
});
