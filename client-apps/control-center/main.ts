// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { fingerprint } from '../../protocol/ledger/parameters.js';
import type { RandomSource } from '../../protocol/onion/packet.js';
import type { ProvidedKind } from '../../protocol/ledger/row.js';
import { connectLedger } from '../ledger/index.js';
import { RegionLedger } from '../ledger/region-ledger.js';
import { startLocked } from '../runtime/directory-lock.js';
import type { PartyContext, RunningParty } from '../runtime/party.js';
import { FileKey, loadFileKey } from '../runtime/sealed-file.js';
import { controlCenterConfig, type ControlCenterConfig } from './config.js';
import { openControlCenter } from './control-center.js';
import { makeEnrolmentCodes, type CodeOrder } from './registration/enrolment-codes.js';
import { loadControlCenterKeys } from './keys.js';
import { nameSuccessor, type NamedServiceProvider } from './successor.js';

export { controlCenterConfig, type ControlCenterConfig } from './config.js';
export type { CodeRole } from './registration/enrolment-codes.js';

/**
 * Starts the control center; reports `ready`, when the ledger's three channels have answered, with
 * the ports it chose and its fingerprint.
 *
 * @throws ClientError CONFIG_INVALID, KEY_FILE, DIRECTORY_LOCKED, STATE_CONFLICT, SEALED_INVALID, WRONG_PARTY;
 *   LedgerError
 */
export async function startControlCenter(config: ControlCenterConfig, context: PartyContext): Promise<RunningParty> {
  const fileKey = await fileKeyOf(config);
  const { profile, identity } = config.ledger;
  return startLocked(config.directory, context, async () => {
    const client = connectLedger(profile, identity, { controlCenterMspId: identity.mspId, log: context.log });
    try {
      return await openControlCenter(config, context, { fileKey, client });
    } catch (error) {
      client.close();
      throw error;
    }
  });
}

/** Public identity of the control center, for the configuration of relays, meters, hubs and service providers. */
export interface ControlCenterIdentity {
  /** pk_CC, hex. */
  readonly publicKey: string;
  /** sigPk_CC, hex. */
  readonly signaturePublicKey: string;
  /** SHA-256 of sigPk_CC, hex: the trust anchor. */
  readonly fingerprint: string;
  /** Pin of its link server, hex. */
  readonly linkPin: string;
}

/** The part of the configuration that keys depend on. */
export type KeySettings = Pick<ControlCenterConfig, 'directory' | 'region' | 'enrolmentSeed'>;

/** The schema of {@link KeySettings}: these commands run before the rest of the configuration can be known. */
export const keySettings = controlCenterConfig.pick({ directory: true, region: true, enrolmentSeed: true }).strip();

/**
 * The control center's public keys; makes the keys on first use.
 *
 * @throws ClientError KEY_FILE, SEALED_INVALID, STATE_CONFLICT
 */
export async function controlCenterIdentity(
  settings: KeySettings,
  random: RandomSource,
): Promise<ControlCenterIdentity> {
  const { directory, enrolmentSeed } = settings;
  const fileKey = await fileKeyOf(settings);
  const keys = await loadControlCenterKeys({ directory, fileKey, random, seed: enrolmentSeed });
  return {
    publicKey: toHex(keys.publicKey),
    signaturePublicKey: toHex(keys.signing.publicKey),
    fingerprint: fingerprint(sodiumCrypto, keys.signing.publicKey),
    linkPin: toHex(keys.link.pin),
  };
}

/**
 * Makes one-use enrolment codes, also while the control center runs.
 *
 * @returns the codes in hex, 32 digits each
 * @throws ClientError KEY_FILE, LIMIT_EXCEEDED
 */
export async function enrolmentCodes(settings: KeySettings, random: RandomSource, order: CodeOrder): Promise<string[]> {
  const fileKey = await fileKeyOf(settings);
  return (await makeEnrolmentCodes({ directory: settings.directory, fileKey, random }, order)).map(toHex);
}

async function fileKeyOf({ region }: Pick<KeySettings, 'region'>): Promise<FileKey> {
  return new FileKey(await loadFileKey(process.env), 'control center', region);
}

/** The schema of what the naming of a successor depends on: keys and the ledger. */
export const successorSettings = controlCenterConfig
  .pick({ directory: true, region: true, enrolmentSeed: true, ledger: true })
  .strip();

/**
 * Names the successor of a service provider that has vanished; the control center may be running.
 *
 * @returns start of the first interval of each ledger
 * @throws ClientError KEY_FILE, SEALED_INVALID, STATE_CONFLICT; and as `nameSuccessor`
 */
export async function putSuccessor(
  settings: KeySettings & LedgerSettings,
  random: RandomSource,
  named: NamedServiceProvider,
): Promise<Readonly<Record<ProvidedKind, number>>> {
  const { directory, region, enrolmentSeed: seed } = settings;
  const fileKey = await fileKeyOf(settings);
  const keys = await loadControlCenterKeys({ directory, fileKey, random, seed });
  const { profile, identity } = settings.ledger;
  const client = connectLedger(profile, identity, { controlCenterMspId: identity.mspId });
  try {
    return await nameSuccessor(new RegionLedger(client, region), keys, named);
  } finally {
    client.close();
  }
}

/** The part of the configuration that the ledger is reached with. */
export type LedgerSettings = Pick<ControlCenterConfig, 'region' | 'ledger'>;

/** The schema of {@link LedgerSettings}. */
export const ledgerSettings = controlCenterConfig.pick({ region: true, ledger: true }).strip();

/**
 * Lets the service provider replace its header of an interval again, after it has replaced it too often; the control
 * center may be running. Without effect where replacements are left.
 *
 * @throws LedgerError `ALREADY_CHOSEN`; ClientError UNREACHABLE
 */
export async function reopenHeader(
  { region, ledger }: LedgerSettings,
  kind: ProvidedKind,
  startSeconds: number,
): Promise<void> {
  const { profile, identity } = ledger;
  const client = connectLedger(profile, identity, { controlCenterMspId: identity.mspId });
  try {
    await new RegionLedger(client, region).reopenHeader(kind, startSeconds);
  } finally {
    client.close();
  }
}
