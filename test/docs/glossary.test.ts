// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';

/** Folder whose string literals are messages of the commands and of the parties that they run. */
const FOLDER = 'client-apps';

/** The first column of the table after `heading`, without its own heading. */
function firstColumn(text: string, heading: string): string[] {
  const rows = text.slice(text.indexOf(heading)).split('\n');
  const cells = rows.filter((line) => line.startsWith('|')).map((line) => line.split('|')[1]!.trim());
  return cells.slice(2);
}

/** All literal texts of a source that are sentences: with a blank, and not an import. */
function sentences(source: ts.SourceFile): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)) {
      if (/\S\s\S/.test(node.text)) {
        found.push(node.text);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

describe('the glossary', () => {
  it('lists words that no message of a command uses', async () => {
    const words = firstColumn(await readFile('docs/GLOSSARY.md', 'utf8'), '## Messages');
    assert.ok(words.length > 10, words.join());
    const pattern = new RegExp(`\\b(${words.join('|')})\\b`, 'i');
    const uses: string[] = [];
    let count = 0;
    for (const name of await readdir(FOLDER, { recursive: true })) {
      if (!name.endsWith('.ts') || name.endsWith('.test.ts')) {
        continue;
      }
      const path = join(FOLDER, name);
      const source = ts.createSourceFile(path, await readFile(path, 'utf8'), ts.ScriptTarget.ES2023, true);
      const texts = sentences(source);
      count += texts.length;
      uses.push(...texts.filter((text) => pattern.test(text)).map((text) => `${path}: ${text}`));
    }
    assert.ok(count > 300, `only ${count} messages found`);
    assert.deepEqual(uses, []);
  });
});
