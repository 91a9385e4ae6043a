// SPDX-License-Identifier: Apache-2.0
// Counts the lines of production code outside protocol/: TypeScript of the folders below, without tests, comments, blank
// lines and lines of brackets alone. Prints one JSON object; `--files` adds each file's count.
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const FOLDERS = ['chaincode', 'client-apps', 'network', 'research'];
const OTHER = new Set(['node_modules', 'dist', 'build', 'test', 'state']);

/** Paths of the production sources in a folder. */
function sourcesIn(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return OTHER.has(entry.name) ? [] : sourcesIn(path);
    return /\.ts$/.test(entry.name) && !/\.test(-child)?\.ts$/.test(entry.name) ? [path] : [];
  });
}

/** Lines of a source that hold more than comments and brackets. */
function linesOf(path) {
  const text = readFileSync(path, 'utf8');
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const comments = new Map();
  const visit = (node) => {
    const leading = ts.getLeadingCommentRanges(text, node.getFullStart()) ?? [];
    const trailing = ts.getTrailingCommentRanges(text, node.getEnd()) ?? [];
    for (const { pos, end } of [...leading, ...trailing]) comments.set(pos, end);
    ts.forEachChild(node, visit);
  };
  visit(source);
  let code = '';
  let from = 0;
  for (const [start, end] of [...comments].sort(([a], [b]) => a - b)) {
    code += text.slice(from, start) + text.slice(start, end).replace(/[^\n]/g, ' ');
    from = end;
  }
  const lines = (code + text.slice(from)).split('\n');
  return lines.filter((line) => !/^[\s{}()[\];,]*$/.test(line)).length;
}

const files = Object.fromEntries(
  FOLDERS.flatMap((folder) => sourcesIn(join(ROOT, folder)))
    .sort()
    .map((path) => [relative(ROOT, path).replaceAll('\\', '/'), linesOf(path)]),
);
const productionLines = Object.values(files).reduce((sum, lines) => sum + lines, 0);
const listed = process.argv.includes('--files') ? { files } : {};
process.stdout.write(`${JSON.stringify({ productionLines, ...listed })}\n`);
