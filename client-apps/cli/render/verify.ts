// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../../protocol/crypto/sodium.js';
import { formatMilliWattHours, formatNanoCurrency } from '../../../protocol/energy/units.js';
import type { Parameters } from '../../../protocol/ledger/parameters.js';
import { parametersDigest } from '../../../protocol/ledger/parameters-json.js';
import type { Successor } from '../../../protocol/ledger/successor.js';
import { LEDGER_KINDS } from '../../../protocol/ledger/row.js';
import { isInForce } from '../../../protocol/schedule/versions.js';
import type { Audit, AuditedInterval } from '../../bulletin/audit.js';
import type { AuditFault } from '../../bulletin/fault-list.js';
import { pairs, timeText, type Result } from '../output.js';

/** Faults that are printed as text. */
const PRINTED_FAULTS = 100;

/** Properties that the files of a bulletin cannot show, by a stable name. */
const NOT_SHOWN = {
  'invented-rows': 'that no row was invented: the control center alone knows whose rows they are',
  'omitted-rows': 'that no row was omitted: only the household of such a row notices',
  'registered-meters': 'the number of registered meters, from which the price follows: the seals state it',
  'split-view': 'that others were shown the same files: compare the digests of the last seals',
  'later-intervals': 'that there are no later intervals',
} as const;
const NOT_SHOWN_OF_EXCERPT = {
  ...NOT_SHOWN,
  'earlier-intervals': 'the intervals before this one, to which its seals chain',
} as const;

/** Renders an audit, with the trust anchor of its command and the evidence files written. */
export function auditResult(
  audit: Audit,
  { path, ccKey, evidence }: { path: string; ccKey: string | undefined; evidence: readonly string[] },
): Result {
  const { kind, faults, faultCount, leftovers, leftoverCount, trusted, versions, first, last } = audit;
  const ok = faultCount === 0;
  const isDemo = versions.some(({ demo }) => demo);
  const notShown = kind === 'excerpt' ? NOT_SHOWN_OF_EXCERPT : NOT_SHOWN;
  return {
    ok,
    data: {
      kind,
      path,
      ok,
      trustedKey: trusted ?? null,
      keyWasGiven: ccKey !== undefined,
      demo: versions.length === 0 ? null : isDemo,
      versions: versions.map(versionData),
      successors: audit.successors.map(successorData),
      intervals: audit.intervals,
      intervalsWithoutFault: audit.intervalsWithoutFault,
      rows: audit.rows,
      totalMilliWattHours: audit.totalMilliWattHours,
      billedNanoCurrency: audit.billedNanoCurrency,
      firstInterval: first ?? null,
      lastInterval: last ?? null,
      faultCount,
      faults,
      leftoverCount,
      leftovers,
      evidence,
      notShown: Object.keys(notShown),
    },
    text: [
      ...faultLines(audit),
      ...evidence.map((file) => `evidence: ${file}`),
      ...(isDemo
        ? ['DEMO: the keys of this region derive from a seed; anyone who knows it can make any such bulletin.']
        : []),
      ...pairs([
        ['kind', kind === 'excerpt' ? 'one interval out of the middle of a chain, as in a dispute' : 'bulletin'],
        ['trusted key', trustedKeyText(trusted, ccKey)],
        ...parameterLines(audit),
        ...audit.successors.map(successorLine),
        ...intervalLines('first interval', first),
        ...(last === first ? [] : intervalLines('last interval', last)),
        ['intervals', `${audit.intervals}, ${audit.intervalsWithoutFault} without a fault`],
        ['rows', String(audit.rows)],
        ['energy', formatMilliWattHours(audit.totalMilliWattHours)],
        ['bills', formatNanoCurrency(audit.billedNanoCurrency)],
      ]),
      ...(leftoverCount === 0
        ? []
        : [
            `not part of a bulletin and not read: ${leftovers.join(', ')}${moreText(leftoverCount - leftovers.length)}`,
          ]),
      ...(trusted === undefined && audit.intervals === 0
        ? ['no bulletin found: a bulletin is a directory that holds parameters.json and bulletin/']
        : []),
      ok ? 'ok: no faults' : `FAILED: ${faultCount.toLocaleString('en')} ${faultCount === 1 ? 'fault' : 'faults'}`,
      'These files cannot show:',
      ...Object.values(notShown).map((text) => `  ${text}`),
      ...unverifiedKey(trusted, ccKey),
    ],
  };
}

/** One line for each fault of a bulletin; those that are not printed are counted. */
export function faultLines({ faults, faultCount }: Pick<Audit, 'faults' | 'faultCount'>): string[] {
  const more = faultCount - Math.min(faults.length, PRINTED_FAULTS);
  const list = faults.length === faultCount ? 'all' : `the first ${faults.length.toLocaleString('en')}`;
  return [
    ...faults.slice(0, PRINTED_FAULTS).map(faultLine),
    ...(more === 0 ? [] : [`… and ${more.toLocaleString('en')} more; --json lists ${list}`]),
  ];
}

function faultLine({ file, code, message }: AuditFault): string {
  return `FAULT ${file}: ${code}: ${message}`;
}

/** A warning after a check whose user gave no trust anchor. */
export function unverifiedKey(trusted: string | undefined, ccKey: string | undefined): string[] {
  return ccKey === undefined && trusted !== undefined
    ? ['The trusted key was not verified: compare it with the fingerprint you know, or pass --cc-key.']
    : [];
}

/** The key on which a check rests. */
export function trustedKeyText(trusted: string | undefined, ccKey: string | undefined): string {
  return trusted === undefined ? 'none' : `${trusted}${ccKey === undefined ? ' (not verified)' : ''}`;
}

/** An interval by region and start. */
export function intervalText({ region, startSeconds }: Pick<AuditedInterval, 'region' | 'startSeconds'>): string {
  return `${region}/${startSeconds} (${timeText(startSeconds)})`;
}

function intervalLines(name: string, interval: AuditedInterval | undefined): [string, string][] {
  if (interval === undefined) {
    return [[name, 'none']];
  }
  const { seals } = interval;
  return [
    [name, `${intervalText(interval)}${seals === undefined ? ', with a fault' : ''}`],
    ...LEDGER_KINDS.flatMap((kind): [string, string][] => {
      const text = seals?.[kind] ?? 'not sealed';
      return seals === undefined ? [] : [[`  ${kind} seal`, text]];
    }),
  ];
}

/** The version in force in the last interval, and how many there are. */
function parameterLines({ versions, last }: Audit): [string, string][] {
  const inForce = versions.findLast((version) => last === undefined || isInForce(version, last.startSeconds));
  if (inForce === undefined) {
    return [];
  }
  const categories = inForce.categoriesMilliWattHours.map(formatMilliWattHours).join(', ');
  return [
    [
      'parameters',
      `version ${inForce.version} of ${versions.length}, ${toHex(parametersDigest(sodiumCrypto, inForce))}`,
    ],
    ['k-anonymity', `k = ${inForce.kAnonymity}`],
    ['categories', categories],
    ['modes', `identity mode ${inForce.identityMode}, price mode ${inForce.priceMode}`],
  ];
}

function successorLine({ kind, fromSeconds, serviceProvider }: Successor): [string, string] {
  const { mspId, signaturePublicKey } = serviceProvider;
  return [
    `successor, ${kind}`,
    `from ${fromSeconds} (${timeText(fromSeconds)}), ${mspId}, signature key ${toHex(signaturePublicKey)}`,
  ];
}

function successorData({ kind, fromSeconds, parametersVersion, serviceProvider }: Successor) {
  const { mspId, signaturePublicKey } = serviceProvider;
  return { kind, fromSeconds, parametersVersion, mspId, signaturePublicKey: toHex(signaturePublicKey) };
}

function versionData(parameters: Parameters) {
  const { version, effectiveFromSeconds, kAnonymity, categoriesMilliWattHours, identityMode, priceMode } = parameters;
  return {
    version,
    digest: toHex(parametersDigest(sodiumCrypto, parameters)),
    effectiveFromSeconds,
    kAnonymity,
    categoriesMilliWattHours,
    identityMode,
    priceMode,
  };
}

function moreText(count: number): string {
  return count === 0 ? '' : ` … and ${count.toLocaleString('en')} more`;
}
