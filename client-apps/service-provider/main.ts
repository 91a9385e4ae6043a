// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { checkTariff, signTariff, type Tariff } from '../../protocol/tariff/tariff.js';
import type { RandomSource } from '../../protocol/onion/packet.js';
import { connectLedger } from '../ledger/index.js';
import { startLocked } from '../runtime/directory-lock.js';
import type { PartyContext, RunningParty } from '../runtime/party.js';
import { FileKey, loadFileKey } from '../runtime/sealed-file.js';
import { serviceProviderConfig, type ServiceProviderConfig } from './config.js';
import { loadServiceProviderKeys, type ServiceProviderKeys } from './keys.js';
import { openServiceProvider } from './service-provider.js';

export { serviceProviderConfig, tariffFile, type ServiceProviderConfig } from './config.js';

/**
 * Starts the service provider; reports `ready` when the ledger's three channels have answered.
 *
 * @throws ClientError CONFIG_INVALID, KEY_FILE, DIRECTORY_LOCKED, STATE_CONFLICT, SEALED_INVALID, WRONG_PARTY;
 *   LedgerError
 */
export async function startServiceProvider(
  config: ServiceProviderConfig,
  context: PartyContext,
): Promise<RunningParty> {
  const fileKey = await fileKeyOf(config);
  const { profile, identity, controlCenterMspId } = config.ledger;
  return startLocked(config.directory, context, async () => {
    const client = connectLedger(profile, identity, { controlCenterMspId, log: context.log });
    try {
      return await openServiceProvider(config, context, fileKey, client);
    } catch (error) {
      client.close();
      throw error;
    }
  });
}

/** The part of the configuration that keys depend on, and the region for which a tariff is proposed. */
export type KeySettings = Pick<ServiceProviderConfig, 'directory' | 'region' | 'enrolmentSeed'>;

/** The schema of {@link KeySettings}: these commands run before the rest of the configuration can be known. */
export const keySettings = serviceProviderConfig.pick({ directory: true, region: true, enrolmentSeed: true }).strip();

/** Public keys that the control center's operator enters as `serviceProvider`, beside the MSP. */
export interface ServiceProviderIdentity {
  /** pk_SP, hex. */
  readonly publicKey: string;
  /** sigPk_SP, hex. */
  readonly signaturePublicKey: string;
}

/**
 * The service provider's public keys; makes the keys on first use.
 *
 * @throws ClientError KEY_FILE, SEALED_INVALID, STATE_CONFLICT
 */
export async function serviceProviderIdentity(
  settings: KeySettings,
  random: RandomSource,
): Promise<ServiceProviderIdentity> {
  const keys = await loadKeys(settings, random);
  return { publicKey: toHex(keys.publicKey), signaturePublicKey: toHex(keys.signing.publicKey) };
}

/**
 * Proposes a tariff: signs it for the region. The control center's operator enacts it by entering both into a new
 * version of the parameters.
 *
 * @returns the signature, 64 bytes in hex, for `tariffSignature`
 * @throws ProtocolError TARIFF_INVALID; ClientError as {@link serviceProviderIdentity}
 */
export async function proposeTariff(settings: KeySettings, tariff: Tariff, random: RandomSource): Promise<string> {
  checkTariff(tariff);
  const keys = await loadKeys(settings, random);
  return toHex(signTariff(sodiumCrypto, settings.region, tariff, keys.signing));
}

async function loadKeys(settings: KeySettings, random: RandomSource): Promise<ServiceProviderKeys> {
  const { directory, enrolmentSeed: seed } = settings;
  return loadServiceProviderKeys({ directory, fileKey: await fileKeyOf(settings), random, seed });
}

async function fileKeyOf({ region }: Pick<KeySettings, 'region'>): Promise<FileKey> {
  return new FileKey(await loadFileKey(process.env), 'service provider', region);
}
