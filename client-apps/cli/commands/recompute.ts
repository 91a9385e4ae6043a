// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { ClientError } from '../../runtime/errors.js';
import { readNamedFile } from '../named-file.js';
import { hexText } from '../options.js';
import { onRun, table } from '../output.js';
import type { OwnRows } from '../../consumer/main.js';
import { loadConsumerConfig, withConsumerOption } from '../consumer-config.js';
import { KEY_AS_FOUND } from './verify.js';

interface RecomputeOptions {
  handles?: string;
  config?: string;
  consumer?: number;
  ccKey?: string;
}

/** `gridveil consumer recompute DIR` */
export function addRecompute(consumer: Command): void {
  const command = withConsumerOption(consumer.command('recompute <directory>'))
    .description('compute prices and the own bill from the consumption rows of a bulletin, and compare')
    .option('--handles <file>', 'what the meter gave its user, a line for each row: A or sigPk, 64 hex digits')
    .option('--config <file>', "instead: the hub's configuration; its verified rows give the handles")
    .option('--cc-key <fingerprint>', "SHA-256 of the control center's first signature key, 64 hex digits", hexText(32))
    .addHelpText(
      'after',
      '\nExit code 0: every bill is right; 1: the bulletin has faults, or a bill differs, or no own row is here.',
    );
  onRun<RecomputeOptions>(command, async (options, directory) => {
    const { sodiumCrypto } = await import('../../../protocol/crypto/sodium.js');
    const { formatMilliWattHours, formatNanoCurrency } = await import('../../../protocol/energy/units.js');
    const { recomputeBulletin } = await import('../../bulletin/recompute-bulletin.js');
    const own = await readOwn(options);
    const handles = new Set(own.handles);
    const ccKey = options.ccKey ?? own.trustAnchor;
    const { trusted, faults, intervals, missing } = await recomputeBulletin(sodiumCrypto, directory, handles, ccKey);
    const found = handles.size - missing.length;
    const differing = intervals.filter(
      ({ billNanoCurrency, billedNanoCurrency }) => (billedNanoCurrency ?? billNanoCurrency) !== billNanoCurrency,
    );
    // Where none of its rows is, nothing of the household has been checked.
    const ok = faults.length === 0 && differing.length === 0 && found > 0;
    const [energy, bill] = [
      intervals.reduce((sum, { milliWattHours }) => sum + milliWattHours, 0n),
      intervals.reduce((sum, { billNanoCurrency }) => sum + billNanoCurrency, 0n),
    ];
    return {
      ok,
      data: {
        directory,
        ok,
        trustedKey: trusted ?? null,
        keyWasGiven: ccKey !== undefined,
        faults,
        missingHandles: missing.length,
        milliWattHours: energy.toString(),
        billNanoCurrency: bill.toString(),
        intervals: intervals.map((interval) => ({
          region: interval.region,
          startSeconds: interval.startSeconds,
          rows: interval.found.length,
          milliWattHours: interval.milliWattHours.toString(),
          regionMilliWattHours: interval.regionMilliWattHours.toString(),
          priceNanoPerKilowattHour: interval.priceNanoPerKilowattHour.toString(),
          billNanoCurrency: interval.billNanoCurrency.toString(),
          billedNanoCurrency: interval.billedNanoCurrency?.toString() ?? null,
        })),
      },
      text: [
        ...faults.map(({ file, code, message }) => `FAULT ${file}: ${code}: ${message}`),
        ...table([
          ['interval', 'rows', 'own energy', 'region', 'price per kWh', 'own bill', "provider's bill"],
          ...intervals.map((interval) => [
            new Date(interval.startSeconds * 1000).toISOString(),
            String(interval.found.length),
            formatMilliWattHours(interval.milliWattHours),
            formatMilliWattHours(interval.regionMilliWattHours),
            formatNanoCurrency(interval.priceNanoPerKilowattHour),
            formatNanoCurrency(interval.billNanoCurrency),
            interval.billedNanoCurrency === undefined ? 'not yet' : formatNanoCurrency(interval.billedNanoCurrency),
          ]),
          ['all', String(found), formatMilliWattHours(energy), '', '', formatNanoCurrency(bill)],
        ]),
        ...(missing.length > 0 ? [`${missing.length} of ${handles.size} handles have no row here`] : []),
        verdict(ok, found, missing.length),
        ...(ccKey === undefined && trusted !== undefined ? [KEY_AS_FOUND] : []),
      ],
    };
  });
}

function verdict(ok: boolean, found: number, missing: number): string {
  if (found === 0) {
    return 'None of these rows is here: no bill was checked.';
  }
  if (!ok) {
    return 'Not everything is right.';
  }
  return missing === 0 ? 'Every bill is right.' : 'Every bill is right for the rows that are here.';
}

async function readOwn({ handles, config, consumer }: RecomputeOptions): Promise<OwnRows> {
  const { parseHandles } = await import('../../bulletin/recompute.js');
  if ((handles === undefined) === (config === undefined)) {
    throw new ClientError('WRONG_USE', 'either --handles or --config says which rows are the own ones');
  }
  if (handles !== undefined) {
    const own = await readNamedFile(handles, (bytes) => parseHandles(new TextDecoder().decode(bytes)));
    return { handles: own, trustAnchor: undefined };
  }
  const { readOwnRows } = await import('../../consumer/main.js');
  return readOwnRows(await loadConsumerConfig({ config: config!, consumer }));
}
