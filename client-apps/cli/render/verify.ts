// SPDX-License-Identifier: Apache-2.0
import { formatMilliWattHours, formatNanoCurrency } from '../../../protocol/energy/units.js';
import type { PriceFinding } from '../../../protocol/rules/price-evidence.js';
import type { Audit, AuditFault } from '../../bulletin/audit.js';
import { pairs, timeText, type Result } from '../output.js';

/** Renders an audit, with the trust anchor of its command and the evidence files written. */
export function auditResult(
  { faults, trusted, last, intervals, rows, totalMilliWattHours, billedNanoCurrency }: Audit,
  { directory, ccKey, evidence }: { directory: string; ccKey: string | undefined; evidence: readonly string[] },
): Result {
  const ok = faults.length === 0;
  const sealed = last?.sealed === undefined || last.sealed === 'billing' ? '' : `, sealed up to ${last.sealed}`;
  return {
    ok,
    data: {
      directory,
      ok,
      trustedKey: trusted ?? null,
      keyWasGiven: ccKey !== undefined,
      intervals,
      rows,
      totalMilliWattHours,
      billedNanoCurrency,
      lastInterval: last ?? null,
      faults,
      evidence,
    },
    text: [
      ...faultLines(faults),
      ...evidence.map((file) => `evidence: ${file}`),
      ...pairs([
        ['trusted key', trustedKeyText(trusted, ccKey)],
        ['last interval', last === undefined ? 'none' : `${intervalText(last)}${sealed}`],
        ['intervals', String(intervals)],
        ['rows', String(rows)],
        ['energy', formatMilliWattHours(totalMilliWattHours)],
        ['bills', formatNanoCurrency(billedNanoCurrency)],
      ]),
      ok
        ? 'ok: no faults up to the last interval. Later intervals cannot be ruled out.'
        : `FAILED: ${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}`,
      ...unverifiedKey(trusted, ccKey),
    ],
  };
}

/** Renders the check of an evidence file. */
export function evidenceResult(
  { trusted, ledgerId, due, signed, isProven }: PriceFinding,
  { file, ccKey }: { file: string; ccKey: string | undefined },
): Result {
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
    ],
  };
}

/** One line for each fault of a bulletin. */
export function faultLines(faults: readonly AuditFault[]): string[] {
  return faults.map(({ file, code, message }) => `FAULT ${file}: ${code}: ${message}`);
}

/** A warning after a check whose user gave no trust anchor. */
export function unverifiedKey(trusted: string | undefined, ccKey: string | undefined): string[] {
  return ccKey === undefined && trusted !== undefined
    ? ['The trusted key was not verified: compare it with the fingerprint you know, or pass --cc-key.']
    : [];
}

function trustedKeyText(trusted: string | undefined, ccKey: string | undefined): string {
  return trusted === undefined ? 'none' : `${trusted}${ccKey === undefined ? ' (not verified)' : ''}`;
}

function intervalText({ region, startSeconds }: { readonly region: string; readonly startSeconds: number }): string {
  return `${region}/${startSeconds} (${timeText(startSeconds)})`;
}
