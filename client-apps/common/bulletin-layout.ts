// SPDX-License-Identifier: Apache-2.0

/** The files of one interval. Write-once, but for `seals.json`, which grows by one seal at a time. */
export const INTERVAL_FILES = [
  'consumption.rows',
  'pricing.rows',
  'billing.rows',
  'consumption.index',
  'seals.json',
] as const;

export type IntervalFile = (typeof INTERVAL_FILES)[number];

/** Path of the signed list of parameter versions, relative to the bulletin's root. */
export const PARAMETERS_PATH = 'parameters.json';

/** Path of the relay directory of a registry epoch. */
export function directoryPath(region: string, epoch: number): string {
  return `bulletin/${region}/directory/${epoch}.json`;
}

/** Path of one file of the interval that starts at `startSeconds` (Unix seconds). */
export function intervalPath(region: string, startSeconds: number, file: IntervalFile): string {
  return `bulletin/${region}/${startSeconds}/${file}`;
}

const REGION = '[a-z0-9-]{1,8}';
const NUMBER = '(?:0|[1-9][0-9]{0,11})';
const KNOWN_PATH = new RegExp(
  `^(?:${PARAMETERS_PATH}|bulletin/${REGION}/directory/${NUMBER}\\.json|bulletin/${REGION}/${NUMBER}/` +
    `(?:${INTERVAL_FILES.map((name) => name.replace('.', '\\.')).join('|')}))$`,
);

/** Whether a path is one that a bulletin can hold. Nothing else may stand in one, and nothing else is served. */
export function isBulletinPath(path: string): boolean {
  return KNOWN_PATH.test(path);
}
