// SPDX-License-Identifier: Apache-2.0
// Reading the project's documents. Files are read by the tests: those of the contracts are CommonJS, the others are not.

/** Texts between backquotes. */
export function quoted(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);
}

/**
 * Rows of the table whose first column has this heading, cell by cell, without the heading.
 *
 * @throws Error if there is no such table
 */
export function tableRows(page: string, heading: string): string[][] {
  const lines = page.split('\n');
  const first = lines.findIndex((line) => line.startsWith('|') && cells(line)[0] === heading);
  if (first < 0) {
    throw new Error(`there is no table whose first column is “${heading}”`);
  }
  const end = lines.findIndex((line, i) => i > first && !line.startsWith('|'));
  return lines.slice(first + 2, end < 0 ? undefined : end).map(cells);
}

/** Cells of a table's row; `\|` is part of a cell. */
export function cells(line: string): string[] {
  return line
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
}

/** Contents of the fenced code blocks in a language, those in lists without their indentation. */
export function codeBlocks(page: string, language: string): string[] {
  return [...page.matchAll(/^( *)```(\w*)\n([^]*?)^ *```$/gm)]
    .filter(([, , found]) => found === language)
    .map(([, indentation, , text]) => text!.replaceAll(new RegExp(`^${indentation}`, 'gm'), ''));
}

/** A page without its fenced code blocks. */
export function prose(page: string): string {
  return page.replaceAll(/^( *)```\w*\n[^]*?^ *```$/gm, '');
}

/** The anchor that a heading of a page gets when the page is rendered. */
export function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** Anchors of a page; a heading that occurs again gets a number. */
export function anchors(page: string): Set<string> {
  const found = new Set<string>();
  for (const [, heading] of prose(page).matchAll(/^#+ (.+)$/gm)) {
    const name = anchor(heading!);
    let unique = name;
    for (let i = 1; found.has(unique); i++) {
      unique = `${name}-${i}`;
    }
    found.add(unique);
  }
  return found;
}

/** A file, with the names and the titles of tests that a cell gives after it. */
export interface Reference {
  readonly file: string;
  readonly names: string[];
  readonly titles: string[];
}

/**
 * Files and what of them is named, in one cell: `file` `name` `name`; `file` “title” “title”.
 *
 * @throws Error if a name or title comes before any file
 */
export function references(cell: string): Reference[] {
  const found: Reference[] = [];
  for (const [, code, title] of cell.matchAll(/`([^`]+)`|“([^”]+)”/g)) {
    if (code?.includes('/')) {
      found.push({ file: code, names: [], titles: [] });
      continue;
    }
    const last = found.at(-1);
    if (last === undefined) {
      throw new Error(`${code ?? title} comes before any file in: ${cell}`);
    }
    if (code !== undefined) {
      last.names.push(code);
    } else {
      last.titles.push(title!);
    }
  }
  return found;
}
