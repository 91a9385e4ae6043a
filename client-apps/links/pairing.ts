// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { MAILBOX_ID_LENGTH } from '../../protocol/onion/geometry.js';
import { hexBytes } from '../runtime/config.js';

/**
 * Pairing of a meter with its household's hub. The hub creates it, and the household copies it into the meter's
 * configuration once: neither the control center nor a relay sees it.
 */
export const hubPairing = z.strictObject({
  /** X25519 key of the hub. */
  publicKey: hexBytes(32),
  /** Secret of meter and hub alone. */
  pairingKey: hexBytes(32),
  /** Relay that keeps the hub's mailbox, as the directory names it: `host:port`. */
  mailboxRelay: z.string().min(3).max(260),
  /** First bytes of the pin of the hub's link key. */
  mailbox: hexBytes(MAILBOX_ID_LENGTH),
});

/** A pairing as JSON. */
export type HubPairingJson = z.input<typeof hubPairing>;
