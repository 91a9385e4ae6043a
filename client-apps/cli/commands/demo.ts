// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { IDENTITY_MODES, type IdentityMode } from '../../../protocol/identity/pseudonym-scheme.js';
import { PRICE_MODES, type PriceMode } from '../../../protocol/ledger/parameters.js';
import type { TestNetwork } from '../../../network/fabric/test-network.js';
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

/** Layers of a demo's onion tier; each of its relays is a process. */
const LAYERS = 4;

/** `gridveil demo` */
export function addDemo(program: Command): void {
  const command = program
    .command('demo')
    .description('run the whole system on this machine: meters, relays, ledger, prices, bills, and their check')
    .option('--readings <file>', 'meter readings, CSV (default: synthetic households)');
  withReadingsOptions(command)
    .option('--seed <text>', 'derive all keys and synthetic readings from it: the same bulletin bytes again', seedText)
    .addOption(new Option('--ledger <kind>', 'ledger to use').choices(['embedded', 'fabric']).default('embedded'))
    .option('--network <folder>', 'fabric-samples/test-network with Gridveil deployed on it, for --ledger fabric')
    .option('--out <directory>', 'where the bulletin goes; emptied if it holds an earlier demo', 'out/demo')
    .option('--region <name>', 'name of the region (default: demo; on a network that stands, a new one)', regionName)
    .option('--k <k>', 'least number of meters that share a published category', integerBetween(2, 1_000), 5)
    .addOption(
      new Option('--identity-mode <mode>', 'how meters make pseudonyms').choices(IDENTITY_MODES).default('chain'),
    )
    .addOption(
      new Option('--price-mode <mode>', 'one price row for all, or one for each consumer')
        .choices(PRICE_MODES)
        .default('ledger'),
    )
    .option('--relays <n>', 'relays in each of the four layers', integerBetween(2, 4), 2)
    .addOption(
      new Option('--household-relays', 'meters and hubs are the relays, as in the paper').conflicts('unsafeTrace'),
    )
    .option('--unsafe-trace <directory>', 'let the relays write down which packet became which, for "anonymity"')
    .option('--keep', "keep the parties' directories and logs")
    .addHelpText('after', '\nWithout --meters and --intervals: 100 households, 4 intervals.');
  onRun<DemoOptions>(command, async (options) => {
    const { readingsFor } = await import('../../demo/readings.js');
    const { prepareOutput } = await import('../../demo/output-directory.js');
    const { ProgressDisplay } = await import('../render/progress.js');
    const { outcomeJson, outcomeText } = await import('../render/demo.js');
    const { runDemo } = await import('../../demo/run.js');
    const started = performance.now();
    const readings = await readingsFor(options, options.k, ({ place, fault }) => {
      progress(`left out: ${place}: ${fault}`);
    });
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
        // A household whose check failed is what all of this is there to show.
        ok: outcome.consumers.verified === outcome.meters,
        data: {
          ...outcomeJson(outcome, options.ledger, seconds),
          bulletin: out,
          // What `verify --cc-key` takes.
          controlCenterKey: outcome.fingerprint,
          ...(options.unsafeTrace === undefined ? {} : { unsafeTrace: options.unsafeTrace }),
        },
        text: [
          ...outcomeText(outcome, readings, options.out, seconds),
          ...(options.unsafeTrace === undefined
            ? []
            : [`UNSAFE: ${options.unsafeTrace} says which packet became which; no run that matters may write it.`]),
        ],
      };
    } finally {
      display.end();
    }
  });
}

/** @throws ClientError WRONG_USE; FabricNetworkError of `TestNetwork.open` */
async function networkOf({ ledger, network }: DemoOptions): Promise<TestNetwork | undefined> {
  if (network === undefined) {
    return undefined;
  }
  if (ledger !== 'fabric') {
    throw new ClientError('WRONG_USE', '--network needs --ledger fabric');
  }
  const { TestNetwork } = await import('../../../network/fabric/test-network.js');
  return TestNetwork.open(network);
}
