// SPDX-License-Identifier: Apache-2.0

/** Reasons for which a relay drops packets. Senders are never told. */
export const DROP_REASONS = [
  /** Unknown version, or an epoch whose key the relay does not have (yet, or any more). */
  'unknown-epoch',
  /** Wrong length, does not open under the epoch's key, or its header is not well formed. */
  'not-genuine',
  'replay',
  /** More packets in one epoch than the relay can remember, of all or of one relay of the layer before. */
  'replay-full',
  /** A next hop that is not in the next layer. */
  'bad-route',
  /** Requested delay above the maximum. */
  'delay-too-long',
  /** More packets at once than the relay can hold, of all or of one relay of the layer before. */
  'pool-full',
  /** The next hop reads too slowly, or is unreachable. */
  'queue-full',
  /** A mailbox that no hub has opened, or no room in any. */
  'no-mailbox',
  /** More packets in one slot than the sender of the link may send, or than this relay passes on to one next hop. */
  'over-share',
  /** Held back for too long because no loop returned. */
  'cut-off',
] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** Counts of a relay since it was started. No count belongs to a link. */
export class Counters {
  received = 0;
  forwarded = 0;
  readonly dropped: Record<DropReason, number> = Object.fromEntries(
    DROP_REASONS.map((reason) => [reason, 0]),
  ) as Record<DropReason, number>;
  /** Loops that the relay has sent, and those that did not return in time. */
  loops = 0;
  missingLoops = 0;
  /** Links that were refused, or that ended with a bad frame or far over their share. */
  linksRefused = 0;
  linksCut = 0;
}
