// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { CommanderError } from 'commander';

/** Exit codes of every command. */
export const EXIT = {
  done: 0,
  /** Refused, or a check that failed. */
  failed: 1,
  /** Wrong flags, values, configuration or files given to the command; nothing was started. */
  wrongUse: 2,
} as const;

/** What a command found: `data` for `--json`, `text` for people. `ok: false` ends the process with {@link EXIT.failed}. */
export interface Result {
  readonly data: Readonly<Record<string, unknown>>;
  readonly text: readonly string[];
  readonly ok?: boolean;
}

/** Codes that say that the command was used wrongly, so that nothing was begun. */
const WRONG_USE = new Set(['WRONG_USE', 'CONFIG_INVALID', 'KEY_FILE', 'NOT_A_TEST_NETWORK']);

/**
 * Gives a command its `--json` flag and its body. The result, and nothing else, goes to stdout: one JSON object, or
 * lines of text. Progress and errors go to stderr.
 */
export function onRun<Options extends object>(
  command: Command,
  body: (options: Options & { json?: true }, ...args: string[]) => Promise<Result>,
): Command {
  return command.option('--json', 'print the result as one JSON object').action(async (...received: unknown[]) => {
    // Commander passes the arguments, then the options, then the command itself.
    const options = received.at(-2) as Options & { json?: true };
    const result = await body(options, ...(received.slice(0, -2) as string[]));
    print(options.json ? JSON.stringify(result.data) : result.text.join('\n'));
    if (result.ok === false) {
      process.exitCode = EXIT.failed;
    }
  });
}

/** One line, or several, on stdout. */
export function print(text: string): void {
  if (text !== '') {
    process.stdout.write(`${text}\n`);
  }
}

/** A line on stderr: what goes on, for the person who waits. */
export function progress(text: string): void {
  process.stderr.write(`gridveil: ${text}\n`);
}

/** The stable code of an error: its own, `FILE` for one of the file system, or `INTERNAL` for one that no layer has named. */
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

/** `gridveil: CODE: sentence` on stderr, with the causes below it; the stack only for an error nobody has named. */
export function printError(error: unknown): void {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message.replace(/^error: /, '') : String(error);
  const lines = [`gridveil: ${code}: ${message}`];
  for (let cause = (error as Error).cause; cause instanceof Error; cause = cause.cause) {
    if (!message.includes(cause.message)) {
      lines.push(`  because ${cause.message}`);
    }
  }
  if (error instanceof CommanderError) {
    lines.push('  (--help says what the command takes)');
  }
  if (code === 'INTERNAL' && error instanceof Error && error.stack !== undefined) {
    lines.push(error.stack);
  }
  process.stderr.write(`${lines.join('\n')}\n`);
}

/** Names and what belongs to them, both to the left. */
export function pairs(rows: readonly (readonly [name: string, value: string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`.trimEnd());
}

/** Columns aligned by their widest cell, the first to the left, the others to the right. */
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
