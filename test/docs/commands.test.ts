// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { createProgram } from '../../client-apps/cli/program.js';
import { codeBlocks, prose, quoted, tableRows } from '../support/markdown.js';

const at = (path: string): URL => new URL(`../../../${path}`, import.meta.url);
const read = (path: string): string => readFileSync(at(path), 'utf8');
const scriptsOf = (path: string): string[] =>
  Object.keys((JSON.parse(read(path)) as { scripts: Record<string, string> }).scripts);

const DOCUMENTS = ['', 'docs/'].flatMap((folder) =>
  readdirSync(at(folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}${name}`),
);

/** Words of a command line in a document, without comments and what stands for values of the reader's. */
function words(line: string): string[] {
  const text = line
    .replace(/(^|\s)#.*$/, '')
    .replaceAll(/<(?:fingerprint|publicKey|signaturePublicKey)>/g, '0'.repeat(64))
    .replaceAll(/<[^>]*>/g, 'VALUE');
  return [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, bare]) => double ?? single ?? bare!);
}

/** Arguments of `gridveil` in a command line; `npm run demo` passes its own on. Undefined if the line runs neither. */
function gridveilArguments(line: string): string[] | undefined {
  const all = words(line);
  const end = all.findIndex((word) => /^([|;&>]|&&|\|\|)/.test(word));
  const command = all.slice(0, end < 0 ? undefined : end).filter((word) => !/^[A-Z_]+=/.test(word));
  for (const [start, begin] of [
    [['npx', 'gridveil'], []],
    [['gridveil'], []],
    [['npm', 'run', 'demo', '--'], ['demo']],
    [['npm', 'run', 'bench', '--'], ['bench']],
  ] as const) {
    if (start.every((word, i) => command[i] === word)) {
      return [...begin, ...command.slice(start.length)];
    }
  }
  return undefined;
}

/** The command that arguments lead to, and what is left for it. */
function resolve(args: readonly string[]): { command: Command; rest: string[] } {
  let command: Command = createProgram();
  let depth = 0;
  for (const word of args) {
    const next = command.commands.find((candidate) => candidate.name() === word);
    if (next === undefined) {
      break;
    }
    command = next;
    depth++;
  }
  return { command, rest: args.slice(depth) };
}

/** Parses arguments as the command itself does, without running it. */
function parse(args: readonly string[]): void {
  const { command, rest } = resolve(args);
  const name = `gridveil ${args.join(' ')}`;
  if (command.commands.length > 0) {
    assert.fail(`${name}: ${command.name()} has no command ${rest[0]}`);
  }
  const { operands, unknown } = command.parseOptions(rest);
  assert.deepEqual(unknown, [], `${name}: options that ${command.name()} does not have`);
  const parameters = command.registeredArguments;
  const least = parameters.filter(({ required }) => required).length;
  const most = parameters.some(({ variadic }) => variadic) ? Infinity : parameters.length;
  assert.ok(
    operands.length >= least && operands.length <= most,
    `${name}: expected ${least} to ${most} operands, found ${operands.length}`,
  );
  for (const option of command.options.filter(({ mandatory }) => mandatory)) {
    assert.ok(command.getOptionValue(option.attributeName()) !== undefined, `${name}: ${option.long} is missing`);
  }
}

/** Lines of the code blocks of a page in a language, those that end in a backslash joined. */
function codeLines(page: string, language: string): string[] {
  return codeBlocks(page, language).flatMap((block) => block.replaceAll(/\\\n\s*/g, ' ').split('\n'));
}

describe('commands in documents', () => {
  for (const document of DOCUMENTS) {
    const page = read(document);

    it(`${document}: gridveil accepts those of the code blocks`, () => {
      for (const args of ['sh', ''].flatMap((language) => codeLines(page, language)).map(gridveilArguments)) {
        if (args !== undefined && !['help', '--help', '--version'].includes(args[0]!)) {
          parse(args);
        }
      }
    });

    it(`${document}: gridveil has those of the text, with their options`, () => {
      for (const line of quoted(prose(page).replaceAll(/\n\s*/g, ' '))) {
        const args = gridveilArguments(line);
        const { command, rest } = resolve(args ?? []);
        if (args === undefined || /^(help|VALUE|…|\()/.test(rest[0] ?? '…')) {
          continue;
        }
        const subcommands = command.commands.map((candidate) => candidate.name());
        assert.ok(
          subcommands.length === 0 || rest.every((word) => /^[…(-]/.test(word)),
          `${line}: ${subcommands.join()}`,
        );
        const flags = command.options.flatMap(({ long, short }) => [long, short]);
        for (const flag of rest.filter((word) => /^--?[a-z]/.test(word) && word !== '--help')) {
          assert.ok(flags.includes(flag), `${line}: ${command.name()} has no ${flag}`);
        }
      }
    });

    it(`${document}: npm has the scripts`, () => {
      const scripts = new Set([...scriptsOf('package.json'), ...scriptsOf('chaincode/package.json')]);
      for (const [, name] of page.matchAll(/\bnpm run ([a-z:]+)/g)) {
        assert.ok(scripts.has(name!), `npm run ${name}`);
      }
    });
  }
});

describe('README.md', () => {
  const page = read('README.md');
  const commands = createProgram().commands.map((command) => command.name());

  it('has at most 1,200 words', () => {
    const count = page.split(/\s+/).filter(Boolean).length;
    assert.ok(count <= 1_200, `expected at most 1200 words, found ${count}`);
  });

  it('has every command of gridveil in its table, and no other', () => {
    const cells = tableRows(page, 'command').flatMap(([cell]) => quoted(cell!));
    const named = cells.map((cell) => words(cell)[1]!);
    assert.deepEqual([...new Set(named)].sort(), commands.sort());
  });

  it('names options that some command has', () => {
    const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)];
    const options = new Set(all(createProgram()).flatMap((command) => command.options.map(({ long }) => long)));
    const flags = quoted(prose(page)).flatMap((code) => code.match(/(?<=^| )--[a-z-]+/g) ?? []);
    assert.ok(flags.length > 0);
    assert.deepEqual(
      flags.filter((flag) => !options.has(flag) && flag !== '--help'),
      [],
    );
  });

  it('shows commands of npm and gridveil only, or an export', () => {
    const lines = codeLines(page, 'sh').filter((line) => line.trim() !== '');
    assert.ok(lines.length > 0);
    const scripts = scriptsOf('package.json');
    for (const line of lines) {
      const [program, action, script] = words(line);
      const known =
        gridveilArguments(line) !== undefined ||
        program === 'export' ||
        (program === 'npm' && scripts.includes(action === 'run' ? script! : action!));
      assert.ok(known, line);
    }
  });
});

describe('docs/DEVELOP.md', () => {
  const page = read('docs/DEVELOP.md');

  it("has every script of the root's package.json in its table, and no other", () => {
    const named = tableRows(page, 'script').flatMap(([cell]) => quoted(cell!).map((code) => words(code)));
    const scripts = named.map(([, action, script]) => (action === 'run' ? script! : action!));
    assert.deepEqual(scripts.sort(), scriptsOf('package.json').sort());
  });

  it('is where CONTRIBUTING.md leads', () =>
    assert.ok(existsSync(at('CONTRIBUTING.md')) && read('CONTRIBUTING.md').includes('](docs/DEVELOP.md')));
});
