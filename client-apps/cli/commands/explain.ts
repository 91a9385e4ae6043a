// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { readNamedFile } from '../named-file.js';
import { onRun } from '../output.js';

/** `gridveil explain row HEX` */
export function addExplain(program: Command): void {
  const explain = program.command('explain').description("show a format with the paper's symbols");
  const row = explain
    .command('row <hex>')
    .description("print a row field by field with the paper's symbols, and check what can be checked")
    .option('--parameters <file>', 'parameters.json of its region: time, value and key are checked too')
    .addHelpText(
      'after',
      '\nA .rows file holds 177 bytes for each row; this explains the first one:\n' +
        '  gridveil explain row $(head -c 177 FILE.rows | od -An -v -tx1 | tr -d " \\n")\n' +
        'Exit code 0: all checks passed; 1: no row, or a check failed.',
    );
  onRun<{ parameters?: string }>(row, async (options, hex) => {
    const { fromHex } = await import('../../../protocol/crypto/bytes.js');
    const { sodiumCrypto } = await import('../../../protocol/crypto/sodium.js');
    const { decodeRow } = await import('../../../protocol/ledger/row.js');
    const { explainRow } = await import('../../bulletin/explain-row.js');
    const bytes = fromHex(hex);
    const parameters =
      options.parameters === undefined
        ? undefined
        : await parametersAt(options.parameters, decodeRow(bytes).ledgerId.startSeconds);
    const explained = explainRow(sodiumCrypto, bytes, parameters);
    const ok = explained.checks.every((check) => check.ok);
    return {
      ok,
      data: { ...explained, ok },
      text: [
        ...explained.fields.flatMap(({ name, symbol, offset, length, bytes: content, meaning }) => [
          `${name}: ${symbol}`,
          `  ${length === 1 ? `byte ${offset}` : `bytes ${offset} to ${offset + length - 1}`}: ${content}`,
          `  ${meaning}`,
        ]),
        `H2 of bytes 0 to 80, which is signed: ${explained.message}`,
        ...explained.checks.map((check) => `${check.ok ? 'right' : 'WRONG'}: ${check.check}`),
        ...explained.beyond.map((unknown) => `not to be seen here: ${unknown}`),
      ],
    };
  });
}

/** The version in force, from a `parameters.json` whose chain of signatures holds. */
async function parametersAt(file: string, startSeconds: number) {
  const { sodiumCrypto } = await import('../../../protocol/crypto/sodium.js');
  const { decodeParametersFile } = await import('../../../protocol/ledger/bulletin.js');
  const { parametersFor } = await import('../../../protocol/ledger/parameters.js');
  const { verifyParametersList } = await import('../../../protocol/rules/check-parameters.js');
  const list = await readNamedFile(file, decodeParametersFile);
  verifyParametersList(sodiumCrypto, list);
  return parametersFor(list, startSeconds);
}
