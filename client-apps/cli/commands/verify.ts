// SPDX-License-Identifier: Apache-2.0
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { PriceEvidence } from '../../../protocol/rules/price-evidence.js';
import { hexText } from '../options.js';
import { onRun, pairs } from '../output.js';

/** `gridveil verify DIR` */
export function addVerify(program: Command): void {
  const command = program
    .command('verify <directory>')
    .description('audit a bulletin offline: every signature, row, index, seal, chain, price and bill')
    .option('--cc-key <fingerprint>', "SHA-256 of the control center's first signature key, 64 hex digits", hexText(32))
    .option('--evidence <directory>', 'write what shows a wrong price to a third party, a file for each interval')
    .addHelpText(
      'after',
      '\nWithout --cc-key it believes the key in parameters.json and prints it: compare it with what you know.\n' +
        'Exit code 0: all is right; 1: a line for each fault.',
    );
  onRun<{ ccKey?: string; evidence?: string }>(command, async ({ ccKey, evidence }, directory) => {
    const { sodiumCrypto } = await import('../../../protocol/crypto/sodium.js');
    const { formatMilliWattHours, formatNanoCurrency } = await import('../../../protocol/energy/units.js');
    const { auditBulletin } = await import('../../bulletin/audit.js');
    const wrongPrices: PriceEvidence[] = [];
    const audit = await auditBulletin(sodiumCrypto, directory, ccKey, {
      onWrongPrice: (found) => void wrongPrices.push(found),
    });
    const written = evidence === undefined ? [] : await writeEvidence(evidence, wrongPrices);
    const { faults, trusted, last } = audit;
    const ok = faults.length === 0;
    const lastText =
      last === undefined
        ? 'none'
        : `${last.region}/${last.startSeconds} (${new Date(last.startSeconds * 1000).toISOString()})` +
          (last.sealed === undefined || last.sealed === 'billing' ? '' : `, sealed up to ${last.sealed}`);
    return {
      ok,
      data: {
        directory,
        ok,
        trustedKey: trusted ?? null,
        keyWasGiven: ccKey !== undefined,
        intervals: audit.intervals,
        rows: audit.rows,
        totalMilliWattHours: audit.totalMilliWattHours.toString(),
        billedNanoCurrency: audit.billedNanoCurrency.toString(),
        lastInterval: last ?? null,
        faults,
        evidence: written,
      },
      text: [
        ...faults.map(({ file, code, message }) => `FAULT ${file}: ${code}: ${message}`),
        ...written.map((file) => `evidence: ${file}`),
        ...pairs([
          ['key trusted', trusted === undefined ? 'none' : `${trusted}${ccKey === undefined ? ' (as found)' : ''}`],
          ['last interval', lastText],
          ['intervals', String(audit.intervals)],
          ['rows', String(audit.rows)],
          ['energy', formatMilliWattHours(audit.totalMilliWattHours)],
          ['bills', formatNanoCurrency(audit.billedNanoCurrency)],
        ]),
        ok
          ? 'Everything is right, up to the last interval seen here; whether later ones exist, files cannot tell.'
          : `${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}.`,
        ...(ccKey === undefined && trusted !== undefined ? [KEY_AS_FOUND] : []),
      ],
    };
  });
}

/** What follows a check whose user has not said whose bulletin it has to be. */
export const KEY_AS_FOUND = 'The key was taken as found: compare it with the one you know, or give --cc-key.';

/** @returns the files */
async function writeEvidence(directory: string, found: readonly PriceEvidence[]): Promise<string[]> {
  const { encodePriceEvidence } = await import('../../../protocol/rules/price-evidence.js');
  if (found.length > 0) {
    await mkdir(directory, { recursive: true });
  }
  return Promise.all(
    found.map(async (evidence) => {
      const { region, startSeconds } = evidence.consumption.seal.ledgerId;
      const file = join(directory, `price-${region}-${startSeconds}.json`);
      await writeFile(file, encodePriceEvidence(evidence));
      return file;
    }),
  );
}
