// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { fingerprint } from '../../protocol/ledger/parameters.js';
import type { RandomSource } from '../../protocol/onion/packet.js';
import type { ProvidedKind } from '../../protocol/ledger/row.js';
import { connectLedger } from '../ledger/index.js';
import { RegionLedger } from '../ledger/region-ledger.js';
import type { PartyContext, RunningParty } from '../runtime/party.js';
import { loadFileKey } from '../runtime/sealed-file.js';
import { controlCenterConfig, type ControlCenterConfig } from './config.js';
import { openControlCenter } from './control-center.js';
import { makeEnrolmentCodes, type CodeRole } from './registration/enrolment-codes.js';
import { loadControlCenterKeys } from './keys.js';

export { controlCenterConfig, type ControlCenterConfig } from './config.js';
export type { CodeRole } from './registration/enrolment-codes.js';

/**
 * Starts the control center; reports `ready`, when the ledger's three channels have answered, with
 * the ports it chose and its fingerprint.
 *
 * @throws ClientError CONFIG_INVALID, KEY_FILE, STATE_CONFLICT, SEALED_INVALID; LedgerError
 */
export async function startControlCenter(config: ControlCenterConfig, context: PartyContext): Promise<RunningParty> {
  const fileKey = await loadFileKey(process.env);
  const { profile, identity } = config.ledger;
  const client = connectLedger(profile, identity, { controlCenterMspId: identity.mspId, log: context.log });
  try {
    return await openControlCenter(config, context, fileKey, client);
  } catch (error) {
    client.close();
    throw error;
  }
}

/** Public identity of the control center, for the configuration of relays, meters, hubs and service providers. */
export interface ControlCenterIdentity {
  /** pk_CC, hex. */
  readonly publicKey: string;
  /** sigPk_CC, hex. */
  readonly signaturePublicKey: string;
  /** SHA-256 of sigPk_CC, hex: the trust anchor. */
  readonly fingerprint: string;
  /** Pin of its HTTPS and link servers, hex. */
  readonly pin: string;
}

/** The part of the configuration that keys depend on. */
export type KeySettings = Pick<ControlCenterConfig, 'directory' | 'enrolmentSeed'>;

/** The schema of {@link KeySettings}: these commands run before the rest of the configuration can be known. */
export const keySettings = controlCenterConfig.pick({ directory: true, enrolmentSeed: true }).strip();

/**
 * The control center's public keys; makes the keys on first use.
 *
 * @throws ClientError KEY_FILE, SEALED_INVALID, STATE_CONFLICT
 */
export async function controlCenterIdentity(
  { directory, enrolmentSeed }: KeySettings,
  random: RandomSource,
): Promise<ControlCenterIdentity> {
  const fileKey = await loadFileKey(process.env);
  const keys = await loadControlCenterKeys(directory, fileKey, random, enrolmentSeed);
  return {
    publicKey: toHex(keys.publicKey),
    signaturePublicKey: toHex(keys.signing.publicKey),
    fingerprint: fingerprint(sodiumCrypto, keys.signing.publicKey),
    pin: toHex(keys.link.pin),
  };
}

/**
 * Makes one-use enrolment codes, also while the control center runs.
 *
 * @returns the codes in hex, 32 digits each
 * @throws ClientError KEY_FILE, LIMIT_EXCEEDED
 */
export async function enrolmentCodes(
  { directory }: KeySettings,
  random: RandomSource,
  role: CodeRole,
  count: number,
): Promise<string[]> {
  const fileKey = await loadFileKey(process.env);
  return (await makeEnrolmentCodes(directory, fileKey, random, role, count)).map(toHex);
}

/** The part of the configuration that the ledger is reached with. */
export type LedgerSettings = Pick<ControlCenterConfig, 'region' | 'ledger'>;

/** The schema of {@link LedgerSettings}. */
export const ledgerSettings = controlCenterConfig.pick({ region: true, ledger: true }).strip();

/**
 * Lets the service provider go on replacing its header of an interval, after it has replaced it too often; the control
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
