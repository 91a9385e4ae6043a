// SPDX-License-Identifier: Apache-2.0

/**
 * Names of all values in world state. Numbers are padded, so that keys order as their numbers do.
 * No key names a meter, a pseudonym or a row (hashes of keys that were read or written are on the ledger).
 */
export const stateKey = {
  parameters: (region: string, version: number): string => `parameters/${region}/${digits(version, 6)}`,
  /** The newest version's number. */
  latestParameters: (region: string): string => `parameters/${region}/latest`,
  registryRoot: (region: string, epoch: number): string => `registry/${region}/${digits(epoch, 5)}`,
  directory: (region: string, epoch: number): string => `directory/${region}/${digits(epoch, 5)}`,
  consumers: (region: string, epoch: number): string => `consumers/${region}/${digits(epoch, 5)}`,
  header: (region: string, startSeconds: number): string => `header/${region}/${digits(startSeconds, 12)}`,
  /** Of consumption, as soon as a page exists. Pages write it without reading it, so they do not conflict with each other. */
  started: (region: string, startSeconds: number): string => `started/${region}/${digits(startSeconds, 12)}`,
  page: (region: string, startSeconds: number, page: number): string =>
    `page/${region}/${digits(startSeconds, 12)}/${digits(page, 4)}`,
  /** Digest of the header of the service provider's that the control center has chosen. */
  choice: (region: string, startSeconds: number): string => `choice/${region}/${digits(startSeconds, 12)}`,
  /** Number of replacements of the service provider's header. */
  replacements: (region: string, startSeconds: number): string => `replacements/${region}/${digits(startSeconds, 12)}`,
  /** Of the service provider with this signature key, hex: who writes this ledger in its place. */
  successor: (region: string, replacedKey: string): string => `successor/${region}/${replacedKey}`,
  seal: (region: string, startSeconds: number): string => `seal/${region}/${digits(startSeconds, 12)}`,
  /** Start of the newest sealed interval. */
  latestSeal: (region: string): string => `latest/${region}`,
} as const;

/** First keys after all of one region: `0` follows `/`. */
export const endOfKeys = {
  headers: (region: string): string => `header/${region}0`,
  registryRoots: (region: string): string => `registry/${region}0`,
  choices: (region: string): string => `choice/${region}0`,
} as const;

function digits(value: number, width: number): string {
  return value.toString().padStart(width, '0');
}
