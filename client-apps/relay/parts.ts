// SPDX-License-Identifier: Apache-2.0
import type { PartyContext } from '../runtime/party.js';
import type { FileKey } from '../runtime/sealed-file.js';
import type { PlacedRelayConfig } from './config.js';
import type { RelayKeys } from './keys.js';

/** Parts from which a relay is made. */
export interface RelayParts {
  readonly config: PlacedRelayConfig;
  readonly context: PartyContext;
  readonly keys: RelayKeys;
  /** Seals its files; wiped when the relay stops. */
  readonly fileKey: FileKey;
  /** In place of the packets a slot that the directory gives, for a bench that sends more than any region. */
  readonly packetsToNextHop?: number;
}

/** The party's time, Unix seconds. */
export function secondsOf({ clock }: PartyContext): number {
  return Math.floor(clock.nowMilliseconds() / 1000);
}
