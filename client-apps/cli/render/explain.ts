// SPDX-License-Identifier: Apache-2.0
import type { ExplainedRow } from '../../bulletin/explain-row.js';
import type { Result } from '../output.js';

/** Renders a row field by field, then its checks. */
export function explainedRowResult(explained: ExplainedRow): Result {
  const ok = explained.checks.every((check) => check.ok);
  return {
    ok,
    data: { ...explained, ok },
    text: [
      ...explained.fields.flatMap(({ name, symbol, offset, length, bytes, meaning }) => [
        `${name}: ${symbol}`,
        `  ${length === 1 ? `byte ${offset}` : `bytes ${offset} to ${offset + length - 1}`}: ${bytes}`,
        `  ${meaning}`,
      ]),
      `H2 of bytes 0 to 80, the signed message: ${explained.message}`,
      ...explained.checks.map((check) => `${check.ok ? 'ok' : 'FAILED'}: ${check.check}`),
      ...explained.beyond.map((unknown) => `not checked here: ${unknown}`),
    ],
  };
}
