// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../../../protocol/crypto/bytes.js';
import { formatNanoCurrency } from '../../../protocol/energy/units.js';
import type { PriceFinding } from '../../../protocol/rules/price-evidence.js';
import { pairs, type Result } from '../output.js';
import { intervalText, trustedKeyText, unverifiedKey } from './verify.js';

/** Renders the check of an evidence file. */
export function evidenceResult(
  { trusted, ledgerId, due, signed, successor, isProven }: PriceFinding,
  { path, ccKey }: { path: string; ccKey: string | undefined },
): Result {
  const signer = successor === undefined ? 'the service provider' : "the service provider's successor";
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
      signedBySuccessor: successor === undefined ? null : toHex(successor.serviceProvider.signaturePublicKey),
      signedPricesNanoPerKilowattHour: signed,
      tariffPriceNanoPerKilowattHour: due,
    },
    text: [
      ...pairs([
        ['trusted key', trustedKeyText(trusted, ccKey)],
        ['interval', intervalText(ledgerId)],
        ...signed.map((price): [string, string] => [`signed by ${signer}`, perKilowattHour(price)]),
        ['tariff price of the sealed total', perKilowattHour(due)],
      ]),
      isProven ? `Proven: ${signer} signed a wrong price.` : 'Not proven.',
      ...unverifiedKey(trusted, ccKey),
    ],
  };
}
