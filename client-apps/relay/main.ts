// SPDX-License-Identifier: Apache-2.0
import type { PartyContext, RunningParty } from '../common/party.js';
import { loadFileKey } from '../common/sealed-file.js';
import type { RelayConfig } from './config.js';
import { Relay, type RelayOptions } from './relay.js';
import { loadRelayKeys } from './relay-keys.js';

export { relayConfig } from './config.js';

/**
 * Starts a relay. Reports `ready` with its port as soon as it listens, and `directory` with the epoch whenever it takes
 * a directory into use.
 *
 * @throws ClientError KEY_FILE, SEALED_INVALID, STATE_CONFLICT, LINK_REFUSED, UNSAFE_TRACE
 */
export async function startRelay(
  config: RelayConfig,
  context: PartyContext,
  options: RelayOptions = {},
): Promise<RunningParty> {
  const fileKey = await loadFileKey(process.env);
  const keys = await loadRelayKeys(config.directory, fileKey, context.random, config.enrolmentSeed);
  return Relay.start(config, context, keys, fileKey, options);
}
