// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { quoted, references, tableRows } from '../support/markdown.js';

const at = (path: string): URL => new URL(`../../../${path}`, import.meta.url);

/** Whether a source exports a name, or declares a method of a class that it exports (`Class.method`, `#private` too). */
function declares(source: string, name: string): boolean {
  const [exported, member] = name.split('.');
  const declaration = new RegExp(
    `^export (async )?(abstract )?(function|class|const|interface|type) ${exported}\\b`,
    'm',
  );
  const found = declaration.exec(source);
  if (found === null || member === undefined) {
    return found !== null;
  }
  const [body] = source.slice(found.index).split(/^}/m);
  return new RegExp(`^  (static |async |get )*${member}(<[^>]*>)?\\(`, 'm').test(body!);
}

const page = readFileSync(at('docs/ARCHITECTURE.md'), 'utf8');

describe('docs/ARCHITECTURE.md, folders', () => {
  const CONTROL_CENTER = 'client-apps/control-center/';
  for (const [parent, heading, prefix] of [
    ['protocol/', 'folder', ''],
    ['network/', 'folder', ''],
    ['client-apps/', 'folder', ''],
    [CONTROL_CENTER, `folder under \`${CONTROL_CENTER}\``, CONTROL_CENTER],
  ] as const) {
    it(`has every folder of ${parent}`, () => {
      const named = new Set(tableRows(page, heading).flatMap(([cell]) => quoted(cell!).map((name) => prefix + name)));
      // Folders of the sources: others hold vectors or what a network keeps.
      const folders = readdirSync(at(parent), { withFileTypes: true }).filter(
        (entry) =>
          entry.isDirectory() && readdirSync(at(`${parent}${entry.name}`)).some((name) => name.endsWith('.ts')),
      );
      const paths = folders.map(({ name }) => `${parent}${name}/`);
      assert.deepEqual(
        paths.filter((path) => !named.has(path)),
        [],
      );
    });
  }
});

// A reader who is sent to a file that has moved loses more time than one who is sent nowhere.
describe('docs/ARCHITECTURE.md, “Where is …?”', () => {
  const rows = tableRows(page, 'Where is …');

  it('has at least twelve questions', () =>
    assert.ok(rows.length >= 12, `expected at least 12 rows, found ${rows.length}`));

  for (const [question, answer] of rows) {
    it(`${question} is answered by symbols that exist`, () => {
      const places = references(answer!);
      assert.ok(places.length > 0, `no place: ${answer}`);
      for (const { file, names } of places) {
        assert.ok(existsSync(at(file)), `expected a file ${file}`);
        assert.ok(names.length > 0, `no symbol of ${file}`);
        const source = readFileSync(at(file), 'utf8');
        for (const name of names) {
          assert.ok(declares(source, name), `${file} does not declare ${name}`);
        }
      }
    });
  }
});
