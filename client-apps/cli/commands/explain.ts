// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { Row } from '../../../protocol/ledger/row.js';
import { readNamedFile } from '../named-file.js';
import { onRun } from '../output.js';

/** Adds `gridveil explain row HEX`. */
export function addExplain(program: Command): void {
  const explain = program.command('explain').description("explain a format in the paper's notation");
  const row = explain
    .command('row <hex>')
    .description("print the fields of a row in the paper's notation and check them")
    .option('--parameters <file>', 'parameters.json of the region, to check time, value and key as well')
    .addHelpText(
      'after',
      '\nA .rows file is a sequence of 177-byte rows. To explain the first one:\n' +
        '  gridveil explain row $(head -c 177 FILE.rows | od -An -v -tx1 | tr -d " \\n")\n' +
        'Exit code 0: all checks passed; 1: not a row, or a check failed.',
    );
  onRun<{ parameters?: string }>(row, async (options, hex) => {
    const { fromHex } = await import('../../../protocol/crypto/bytes.js');
    const { sodiumCrypto } = await import('../../../protocol/crypto/sodium.js');
    const { decodeRow } = await import('../../../protocol/ledger/row.js');
    const { explainRow } = await import('../../bulletin/explain-row.js');
    const { explainedRowResult } = await import('../render/explain.js');
    const bytes = fromHex(hex);
    const parameters =
      options.parameters === undefined ? undefined : await parametersAt(options.parameters, decodeRow(bytes));
    return explainedRowResult(explainRow(sodiumCrypto, bytes, parameters));
  });
}

/**
 * Reads the version in force from a `parameters.json`, after verifying its chain of signatures, with the service provider
 * that signs the row's ledger.
 */
async function parametersAt(file: string, { type, ledgerId: { startSeconds } }: Row) {
  const { sodiumCrypto } = await import('../../../protocol/crypto/sodium.js');
  const { decodeParametersFile } = await import('../../../protocol/ledger/bulletin.js');
  const { MAXIMUM_PARAMETERS_FILE_BYTES } = await import('../../../protocol/ledger/limits.js');
  const { ROW_TYPE } = await import('../../../protocol/ledger/row.js');
  const { parametersFor, serviceProvidersFor } = await import('../../../protocol/schedule/versions.js');
  const { verifyParametersList } = await import('../../../protocol/rules/check-parameters.js');
  const list = await readNamedFile(file, MAXIMUM_PARAMETERS_FILE_BYTES, decodeParametersFile);
  verifyParametersList(sodiumCrypto, list);
  const providers = serviceProvidersFor(list, startSeconds);
  const serviceProvider = type === ROW_TYPE.price ? providers.pricing : providers.billing;
  return { ...parametersFor(list, startSeconds), serviceProvider };
}
