// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs';
import { ReadingsError } from './readings.js';

/** Longest accepted line; a day of minutes at ten digits each is 16 kB. */
const MAX_LINE_CHARACTERS = 65_536;

/** Consecutive lines of a file; `firstLine` counts from 1. */
export interface LineBlock {
  readonly firstLine: number;
  readonly lines: readonly string[];
}

/**
 * Streams a text file's lines in blocks, so that a file larger than memory can be read. LF and CRLF end a line, a byte
 * order mark is dropped, the last line may lack its end.
 *
 * @throws ReadingsError UNREADABLE, TOO_LARGE
 */
export async function* readLineBlocks(path: string): AsyncGenerator<LineBlock> {
  const stream = createReadStream(path, { encoding: 'utf8', highWaterMark: 1 << 18 });
  let firstLine = 1;
  let rest = '';
  try {
    for await (const chunk of stream as AsyncIterable<string>) {
      const text = rest + (firstLine === 1 && rest === '' && chunk.startsWith('\uFEFF') ? chunk.slice(1) : chunk);
      const lines = text.split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > MAX_LINE_CHARACTERS) {
        throw new ReadingsError(
          'TOO_LARGE',
          `${path}:${firstLine + lines.length}`,
          `line exceeds ${MAX_LINE_CHARACTERS} characters`,
        );
      }
      yield { firstLine, lines: lines.map(withoutCarriageReturn) };
      firstLine += lines.length;
    }
  } catch (cause) {
    if (cause instanceof ReadingsError) {
      throw cause;
    }
    throw new ReadingsError('UNREADABLE', path, 'cannot read the file', { cause });
  } finally {
    stream.destroy();
  }
  if (rest !== '') {
    yield { firstLine, lines: [withoutCarriageReturn(rest)] };
  }
}

function withoutCarriageReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
