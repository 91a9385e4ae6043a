// SPDX-License-Identifier: Apache-2.0
import { enrolRelay } from '../links/enrolment-client.js';
import { startLocked } from '../runtime/directory-lock.js';
import type { PartyContext, RunningParty } from '../runtime/party.js';
import { untilReachable } from '../runtime/retry.js';
import { loadFileKey } from '../runtime/sealed-file.js';
import type { PlacedRelayConfig, RelayConfig } from './config.js';
import { Relay, type RelayOptions } from './relay.js';
import { loadRelayKeys, relayFileKey, type RelayKeys } from './keys.js';

export { relayConfig } from './config.js';

/**
 * Starts a relay. Reports `ready` with its port as soon as it listens, and `directory` with the epoch whenever it takes
 * a directory into use. A household's enrols first, at every start: the answer to the same code stays the same.
 *
 * @throws ClientError KEY_FILE, DIRECTORY_LOCKED, SEALED_INVALID, WRONG_PARTY, STATE_CONFLICT, LINK_REFUSED, UNSAFE_TRACE, ENROLMENT_REFUSED
 */
export async function startRelay(
  config: RelayConfig,
  context: PartyContext,
  options: RelayOptions = {},
): Promise<RunningParty> {
  const fileKey = relayFileKey(await loadFileKey(process.env), config);
  return startLocked(config.directory, context, async () => {
    const keys = await loadRelayKeys(config.directory, fileKey, context.random, config.enrolmentSeed);
    return Relay.start({ config: await placed(config, keys, context), context, keys, fileKey }, options);
  });
}

async function placed(
  config: RelayConfig,
  { identity, link }: RelayKeys,
  { clock, log }: PartyContext,
): Promise<PlacedRelayConfig> {
  const { operator, layer, enrolmentCode, ...settings } = config;
  if (enrolmentCode === undefined) {
    return { ...settings, operator: operator!, layer: layer! };
  }
  // Simulated time must not advance before the relay has its place.
  const place = await clock.activity.track(
    'enrolment',
    untilReachable(log, 'control center', () =>
      enrolRelay(config.controlCenter, enrolmentCode, identity.publicKey, link.pin),
    ),
  );
  return { ...settings, ...place };
}
