// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { OwnRows } from '../../consumer/main.js';
import { ClientError } from '../../runtime/errors.js';
import { loadConsumerConfig, withConsumerOption } from '../consumer-config.js';
import { readNamedFile } from '../named-file.js';
import { withTrustAnchorOption } from '../options.js';
import { onRun } from '../output.js';

/** Bytes of a file of handles: a million lines, the rows of one meter over three years at 40 rows an hour. */
const MAXIMUM_HANDLES_BYTES = 65_000_000;

interface RecomputeOptions {
  handles?: string;
  config?: string;
  consumer?: number;
  ccKey?: string;
}

/** Adds `gridveil consumer recompute DIR`. */
export function addRecompute(consumer: Command): void {
  const command = withTrustAnchorOption(withConsumerOption(consumer.command('recompute <directory>')))
    .description("recompute prices and the household's bills from the rows of a bulletin, and compare")
    .option('--handles <file>', 'handles from the meter, one per line: A or sigPk, 64 hex digits')
    .option('--config <file>', "configuration of a hub, instead of --handles: use the hub's verified rows")
    .addHelpText(
      'after',
      "\nExit code 0: every bill is correct; 1: a fault, a differing bill, or none of the household's rows found.\n" +
        'Environment: GRIDVEIL_KEY_FILE with --config, path of the key that encrypts the files of the hub.',
    );
  onRun<RecomputeOptions>(command, async (options, directory) => {
    const { sodiumCrypto } = await import('../../../protocol/crypto/sodium.js');
    const { recomputeBulletin } = await import('../../bulletin/recompute-bulletin.js');
    const { recomputeResult } = await import('../render/recompute.js');
    const own = await readOwn(options);
    const handles = new Set(own.handles);
    const ccKey = options.ccKey ?? own.trustAnchor;
    const recomputed = await recomputeBulletin(sodiumCrypto, directory, handles, ccKey);
    return recomputeResult(recomputed, { directory, ccKey, handles: handles.size });
  });
}

async function readOwn({ handles, config, consumer }: RecomputeOptions): Promise<OwnRows> {
  const { parseHandles } = await import('../../bulletin/recompute.js');
  if (handles !== undefined && config === undefined) {
    const own = await readNamedFile(handles, MAXIMUM_HANDLES_BYTES, (bytes) =>
      parseHandles(new TextDecoder().decode(bytes)),
    );
    return { handles: own, trustAnchor: undefined };
  }
  if (handles !== undefined || config === undefined) {
    throw new ClientError('WRONG_USE', 'expected exactly one of --handles and --config');
  }
  const { readOwnRows } = await import('../../consumer/main.js');
  return readOwnRows(await loadConsumerConfig({ config, consumer }));
}
