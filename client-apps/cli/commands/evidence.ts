// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { readNamedFile } from '../named-file.js';
import { hexText } from '../options.js';
import { onRun, pairs } from '../output.js';

/** `gridveil evidence check FILE` */
export function addEvidence(program: Command): void {
  const evidence = program.command('evidence').description('what shows a wrongdoing to a third party');
  const check = evidence
    .command('check <file>')
    .description('judge evidence of a wrong price from its file alone, as `gridveil verify --evidence` writes it')
    .option('--cc-key <fingerprint>', "SHA-256 of the control center's first signature key, 64 hex digits", hexText(32))
    .addHelpText('after', '\nExit code 0: it proves that the service provider signed a wrong price; 1: it does not.');
  onRun<{ ccKey?: string }>(check, async ({ ccKey }, file) => {
    const { sodiumCrypto } = await import('../../../protocol/crypto/sodium.js');
    const { formatNanoCurrency } = await import('../../../protocol/energy/units.js');
    const { checkPriceEvidence, decodePriceEvidence } = await import('../../../protocol/rules/price-evidence.js');
    const finding = checkPriceEvidence(sodiumCrypto, await readNamedFile(file, decodePriceEvidence), ccKey);
    const { trusted, ledgerId, due, signed, isProven } = finding;
    const start = new Date(ledgerId.startSeconds * 1000).toISOString();
    const perKilowattHour = (price: bigint): string => `${formatNanoCurrency(price)} per kWh`;
    return {
      ok: isProven,
      data: {
        file,
        proven: isProven,
        trustedKey: trusted,
        keyWasGiven: ccKey !== undefined,
        region: ledgerId.region,
        startSeconds: ledgerId.startSeconds,
        signedPricesNanoPerKilowattHour: signed.map(String),
        tariffPriceNanoPerKilowattHour: due.toString(),
      },
      text: [
        ...pairs([
          ['key trusted', `${trusted}${ccKey === undefined ? ' (as found)' : ''}`],
          ['interval', `${ledgerId.region}/${ledgerId.startSeconds} (${start})`],
          ...signed.map((price): [string, string] => ['signed by the service provider', perKilowattHour(price)]),
          ['by the tariff, for the sealed total', perKilowattHour(due)],
        ]),
        isProven ? 'The service provider signed a wrong price.' : 'This proves nothing.',
      ],
    };
  });
}
