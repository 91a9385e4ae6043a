// SPDX-License-Identifier: Apache-2.0
import { formatNanoCurrency } from '../../../protocol/energy/units.js';
import type { PriceFinding } from '../../../protocol/rules/price-evidence.js';
import { pairs, type Result } from '../output.js';
import { intervalText, trustedKeyText, unverifiedKey } from './verify.js';

/** Renders the check of an evidence file. */
export function evidenceResult(
  { trusted, ledgerId, due, signed, isProven }: PriceFinding,
  { path, ccKey }: { path: string; ccKey: string | undefined },
): Result {
  const perKilowattHour = (price: bigint): string => `${formatNanoCurrency(price)} per kWh`;
  return {
    ok: isProven,
    data: {
      kind: 'evidence',
      path,
      proven: isProven,
      trustedKey: trusted,
      keyWasGiven: ccKey !== undefined,
      region: ledgerId.region,
      startSeconds: ledgerId.startSeconds,
      signedPricesNanoPerKilowattHour: signed,
      tariffPriceNanoPerKilowattHour: due,
    },
    text: [
      ...pairs([
        ['trusted key', trustedKeyText(trusted, ccKey)],
        ['interval', intervalText(ledgerId)],
        ...signed.map((price): [string, string] => ['signed by the service provider', perKilowattHour(price)]),
        ['tariff price of the sealed total', perKilowattHour(due)],
      ]),
      isProven ? 'Proven: the service provider signed a wrong price.' : 'Not proven.',
      ...unverifiedKey(trusted, ccKey),
    ],
  };
}
