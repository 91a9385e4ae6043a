// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { CommanderError } from 'commander';

/** Exit codes of all commands. */
export const EXIT = {
  done: 0,
  /** The operation was refused or a check failed. */
  failed: 1,
  /** Wrong flags, values, configuration or files; nothing was started. */
  wrongUse: 2,
} as const;

/** Result of a command: `data` for `--json`, `text` for people. `ok: false` gives exit code {@link EXIT.failed}. */
export interface Result {
  readonly data: Readonly<Record<string, unknown>>;
  readonly text: readonly string[];
  readonly ok?: boolean;
}

/** Error codes of wrong use: nothing was started. */
const WRONG_USE = new Set(['WRONG_USE', 'CONFIG_INVALID', 'KEY_FILE', 'NOT_A_TEST_NETWORK']);

/**
 * Adds the `--json` flag, unless the command has described its own, and the body of a command. The result, and nothing
 * else, goes to stdout: one JSON object, or lines of text. Progress and errors go to stderr.
 */
export function onRun<Options extends object>(
  command: Command,
  body: (options: Options & { json?: true }, ...args: string[]) => Promise<Result>,
): Command {
  if (!command.options.some(({ long }) => long === '--json')) {
    command.option('--json', 'print the result as one JSON object');
  }
  return command.action(async (...received: unknown[]) => {
    // Commander passes the arguments, then the options, then the command itself.
    const options = received.at(-2) as Options & { json?: true };
    const result = await body(options, ...(received.slice(0, -2) as string[]));
    print(options.json ? JSON.stringify(result.data, bigintAsText) : result.text.join('\n'));
    if (result.ok === false) {
      process.exitCode = EXIT.failed;
    }
  });
}

/** Amounts are decimal strings in JSON, because a JSON number cannot hold all of them. */
function bigintAsText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

/** Writes one or more lines to stdout. */
export function print(text: string): void {
  if (text !== '') {
    process.stdout.write(`${text}\n`);
  }
}

/** Writes a line of progress to stderr. */
export function progress(text: string): void {
  process.stderr.write(`gridveil: ${text}\n`);
}

/** The stable code of an error: its own, `FILE` for a file-system error, or `INTERNAL` for an unforeseen one. */
export function codeOf(error: unknown): string {
  if (error instanceof CommanderError) {
    return 'WRONG_USE';
  }
  const { code, path, syscall } = error as { code?: unknown; path?: unknown; syscall?: unknown };
  if (typeof path === 'string' && typeof syscall === 'string') {
    return 'FILE';
  }
  return typeof code === 'string' ? code : 'INTERNAL';
}

export function exitCodeOf(error: unknown): number {
  return WRONG_USE.has(codeOf(error)) ? EXIT.wrongUse : EXIT.failed;
}

/** Writes `gridveil: CODE: message` and the causes to stderr; for an unforeseen error also the stack. */
export function printError(error: unknown): void {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message.replace(/^error: /, '') : String(error);
  const lines = [`gridveil: ${code}: ${message}`];
  for (let cause = (error as Error).cause; cause instanceof Error; cause = cause.cause) {
    if (!message.includes(cause.message)) {
      lines.push(`  caused by: ${cause.message}`);
    }
  }
  if (error instanceof CommanderError) {
    lines.push('  (see --help for usage)');
  }
  if (code === 'INTERNAL' && error instanceof Error && error.stack !== undefined) {
    lines.push(error.stack);
  }
  process.stderr.write(`${lines.join('\n')}\n`);
}

/** Renders names and values in two left-aligned columns. */
export function pairs(rows: readonly (readonly [name: string, value: string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`.trimEnd());
}

/** Renders a table: the first column left-aligned, the others right-aligned. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)));
  }
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

/** Renders an object as its fields, one a line. */
export function fieldsResult(data: object): Result {
  return { data: { ...data }, text: pairs(Object.entries(data).map(([name, value]) => [name, String(value)])) };
}

/** An instant in ISO 8601, from Unix seconds. */
export function timeText(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
