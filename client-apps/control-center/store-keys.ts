// SPDX-License-Identifier: Apache-2.0

/**
 * Names of all values in the control center's store. They are on disk in the clear, so they hold running numbers,
 * epochs and intervals only. Numbers are padded, so that keys order as their numbers do.
 */
export const storeKey = {
  /** Progress of freezing and of settling; see `progress.ts`. */
  closing: 'closing',
  settling: 'settling',
  /** The onion secret of the oldest epoch that is still needed. */
  onion: 'onion',
  /** All versions of the parameters that were signed. */
  parameters: 'parameters',
  /** A used enrolment code, by its digest. */
  code: (digestHex: string): string => `code/${digestHex}`,
  /** The permanent record of a meter's enrolment. */
  meter: (number: number): string => `meter/${digits(number)}`,
  /** A hub's key for prices of its own. */
  consumer: (number: number): string => `consumer/${digits(number)}`,
  /** A relay that a household enrolled. */
  relay: (number: number): string => `relay/${digits(number)}`,
  /** The address at which a relay has answered. */
  relayAddress: (identityHex: string): string => `relayAddress/${identityHex}`,
  /** The keys of a meter's future epochs. */
  future: (number: number): string => `future/${digits(number)}`,
  /** Slots in which a meter was expected and missed. */
  presence: (number: number): string => `presence/${digits(number)}`,
  /** A relay's descriptor for an epoch. */
  descriptor: (epoch: number, identityHex: string): string => `descriptor/${digits(epoch)}/${identityHex}`,
  registryRoot: (epoch: number): string => `registryRoot/${digits(epoch)}`,
  directory: (epoch: number): string => `directory/${digits(epoch)}`,
  consumerList: (epoch: number): string => `consumerList/${digits(epoch)}`,
  /** A meter's keys in an epoch that is open. */
  secrets: (epoch: number, number: number): string => `secrets/${digits(epoch)}/${digits(number)}`,
  /** A meter's pseudonym chain as of the last frozen interval. */
  chain: (epoch: number, number: number): string => `chain/${digits(epoch)}/${digits(number)}`,
  /** A packet that was taken for an interval that is not frozen yet, in the order of arrival. */
  packet: (startSeconds: number, sequence: number): string => `packet/${digits(startSeconds)}/${digits(sequence)}`,
  /** Part of a frozen interval that is not settled yet. */
  frozen: (startSeconds: number, part: string): string => `frozen/${digits(startSeconds)}/${part}`,
} as const;

/** The prefix of all keys of a kind, or of those of one epoch or interval. */
export function keyPrefix(kind: keyof typeof storeKey, number?: number): string {
  return number === undefined ? `${kind}/` : `${kind}/${digits(number)}/`;
}

/** The last number in a key. */
export function lastNumber(key: string): number {
  return Number(key.slice(key.lastIndexOf('/') + 1));
}

function digits(value: number): string {
  return value.toString().padStart(12, '0');
}
