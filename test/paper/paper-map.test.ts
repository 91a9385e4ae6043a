// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { cells, references } from '../support/markdown.js';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

// A page that maps a paper to code is wrong from the first renaming on, unless something reads it.
describe('docs/PAPER.md', () => {
  const page = read('docs/PAPER.md');
  const tables = page.split('\n## ').slice(1);
  const rowsOf = (section: string): string[][] =>
    section
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .slice(2)
      .map(cells);
  const differences = tables.find((section) => section.startsWith('Differences'))!;
  const numbers = rowsOf(differences).map(([number]) => number!);

  for (const section of tables.filter((text) => /^Section /.test(text))) {
    it(`${section.slice(0, section.indexOf('\n'))}: names what exists`, () => {
      const rows = rowsOf(section);
      assert.ok(rows.length > 0);
      for (const [step, here, test, differs] of rows) {
        const places = references(here!);
        assert.ok(places.length > 0, `${step}: no place`);
        for (const { file, names } of places) {
          const source = read(file);
          for (const name of names) {
            assert.match(source, new RegExp(`^export .*\\b${name}\\b`, 'm'), `${file}: ${name}`);
          }
        }
        const tests = references(test!);
        assert.ok(tests.length > 0, `${step}: no test`);
        for (const { file, titles } of tests) {
          assert.match(file, /\.test\.ts$/, step);
          assert.ok(titles.length > 0, `${step}: no title`);
          const source = read(file);
          for (const title of titles) {
            assert.ok(source.includes(title), `${file}: ${title}`);
          }
        }
        for (const number of differs!.split(', ').filter(Boolean)) {
          assert.ok(numbers.includes(number), step);
        }
      }
    });
  }

  it('numbers its differences from 1, and refers to each', () => {
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => `D${index + 1}`),
    );
    const referred = new Set(
      tables
        .filter((text) => /^Section /.test(text))
        .flatMap(rowsOf)
        .flatMap((row) => row[3]!.split(', ')),
    );
    assert.deepEqual(
      numbers.filter((number) => !referred.has(number)),
      [],
    );
  });
});
