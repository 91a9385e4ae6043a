// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { IDENTITY_MODES, type IdentityMode } from '../../../protocol/identity/pseudonym-scheme.js';
import { PRICE_MODES, type PriceMode } from '../../../protocol/ledger/parameters.js';
import type { DeployedTestNetwork } from '../../../network/fabric/deployed-test-network.js';
import { ClientError } from '../../runtime/errors.js';
import type { LedgerKind } from '../../demo/run.js';
import { integerBetween, regionName, seedText } from '../options.js';
import { onRun, progress } from '../output.js';
import { withReadingsOptions, type ReadingsOptions } from './readings.js';

interface DemoOptions extends ReadingsOptions {
  readings?: string;
  seed?: string;
  ledger: LedgerKind;
  network?: string;
  out: string;
  region?: string;
  k: number;
  identityMode: IdentityMode;
  priceMode: PriceMode;
  relays: number;
  householdRelays?: true;
  unsafeTrace?: string;
  keep?: true;
  json?: true;
}

/** Layers of a demo's onion tier. */
const LAYERS = 4;

/** Adds `gridveil demo`. */
export function addDemo(program: Command): void {
  const command = program
    .command('demo')
    .description('run the whole system on this machine: meters, relays, ledger, pricing, billing, verification')
    .option('--readings <file>', 'meter readings, CSV (default: synthetic households)');
  withReadingsOptions(command)
    .option(
      '--seed <text>',
      'derive all keys and synthetic readings from this text, for a reproducible bulletin',
      seedText,
    )
    .addOption(new Option('--ledger <kind>', 'kind of ledger').choices(['embedded', 'fabric']).default('embedded'))
    .option('--network <directory>', 'fabric-samples/test-network with Gridveil deployed, for --ledger fabric')
    .option('--out <directory>', 'output directory of the bulletin; an earlier demo in it is deleted', 'out/demo')
    .option('--region <name>', 'region name (default: demo, or a new name on an existing network)', regionName)
    .option('--k <k>', 'k of k-anonymity: least number of meters in a published category', integerBetween(2, 1_000), 5)
    .addOption(
      new Option('--identity-mode <mode>', 'derivation of pseudonyms').choices(IDENTITY_MODES).default('chain'),
    )
    .addOption(
      new Option('--price-mode <mode>', 'one price row per interval (ledger), or one per consumer (direct)')
        .choices(PRICE_MODES)
        .default('ledger'),
    )
    .option('--relays <n>', 'relays in each of the four layers', integerBetween(2, 4), 2)
    .addOption(
      new Option('--household-relays', 'run the relays inside meters and hubs, as in the paper').conflicts(
        'unsafeTrace',
      ),
    )
    .option(
      '--unsafe-trace <directory>',
      'record at every relay which packet became which, for "gridveil research anonymity --traces"',
    )
    .option('--keep', "keep the parties' directories and logs")
    .addHelpText('after', '\nDefaults of --meters and --intervals: 100 households, 4 intervals.');
  onRun<DemoOptions>(command, async (options) => {
    const { readingsFor } = await import('../../demo/readings.js');
    const { prepareOutput } = await import('../../demo/output-directory.js');
    const { ProgressDisplay } = await import('../render/progress.js');
    const { skippedText } = await import('../render/readings.js');
    const { outcomeJson, outcomeText } = await import('../render/demo.js');
    const { runDemo } = await import('../../demo/run.js');
    const started = performance.now();
    const readings = await readingsFor(options, options.k, (skipped) => progress(skippedText(skipped)));
    const testNetwork = await networkOf(options);
    const out = await prepareOutput(options.out);
    const display = new ProgressDisplay();
    try {
      const outcome = await runDemo(
        {
          readings,
          ledger: options.ledger,
          testNetwork,
          seed: options.seed ?? randomBytes(32).toString('hex'),
          region: options.region,
          out,
          kAnonymity: options.k,
          identityMode: options.identityMode,
          priceMode: options.priceMode,
          layers: LAYERS,
          relaysPerLayer: options.relays,
          householdRelays: options.householdRelays === true,
          unsafeTrace: options.unsafeTrace && resolve(options.unsafeTrace),
          keep: options.keep === true,
        },
        display,
      );
      const seconds = Math.round((performance.now() - started) / 100) / 10;
      return {
        ok: outcome.consumers.verified === outcome.meters,
        data: {
          ...outcomeJson(outcome, options.ledger, seconds),
          bulletin: out,
          ...(options.unsafeTrace === undefined ? {} : { unsafeTrace: options.unsafeTrace }),
        },
        text: [
          ...outcomeText(outcome, readings, options.out, seconds),
          ...(options.unsafeTrace === undefined
            ? []
            : [`UNSAFE: ${options.unsafeTrace} records which packet became which. Never trace a production run.`]),
        ],
      };
    } finally {
      display.end();
    }
  });
}

/** @throws ClientError WRONG_USE; FabricNetworkError of `DeployedTestNetwork.open` */
async function networkOf({ ledger, network }: DemoOptions): Promise<DeployedTestNetwork | undefined> {
  if (network === undefined) {
    return undefined;
  }
  if (ledger !== 'fabric') {
    throw new ClientError('WRONG_USE', '--network requires --ledger fabric');
  }
  const { DeployedTestNetwork } = await import('../../../network/fabric/deployed-test-network.js');
  return DeployedTestNetwork.open(network);
}
