// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../../../protocol/crypto/bytes.js';
import type { RandomSource } from '../../../protocol/onion/packet.js';
import { DAY_SECONDS } from '../../../protocol/schedule/intervals.js';
import { linkKeyFromSeed, selfIssuedIdentity, type LinkKey } from '../../links/link-identity.js';
import { startLocked } from '../../runtime/directory-lock.js';
import { openFileLimit, requireOpenFiles } from '../../runtime/open-files.js';
import { loadPartySecrets } from '../../runtime/party-secret.js';
import type { PartyContext, RunningParty } from '../../runtime/party.js';
import { FileKey, loadFileKey } from '../../runtime/sealed-file.js';
import { Timers } from '../../runtime/timers.js';
import { bulletinServerConfig, type BulletinServerConfig } from './config.js';
import { BulletinServer, MINIMUM_OPEN_FILES } from './server.js';

export { bulletinServerConfig, type BulletinServerConfig } from './config.js';

/** A certificate is made at every start; clients know the key. */
const CERTIFICATE_SECONDS = 366 * DAY_SECONDS;

/**
 * Starts a server of a bulletin. Reports `ready` with its port.
 *
 * @throws ClientError KEY_FILE, DIRECTORY_LOCKED, SEALED_INVALID; LIMIT_EXCEEDED when the process may have too few open files
 */
export async function startBulletinServer(config: BulletinServerConfig, context: PartyContext): Promise<RunningParty> {
  const fileKey = await serverFileKey();
  return startLocked(config.directory, context, () => openBulletinServer(config, context, fileKey));
}

/** @param fileKey seals the server's key */
export async function openBulletinServer(
  config: BulletinServerConfig,
  context: PartyContext,
  fileKey: FileKey,
): Promise<RunningParty> {
  const { clock, log, random, report } = context;
  const openFiles = openFileLimit();
  requireOpenFiles(MINIMUM_OPEN_FILES, 'bulletin serve', openFiles);
  const nowSeconds = Math.floor(clock.nowMilliseconds() / 1_000);
  const identity = await selfIssuedIdentity(await bulletinServerKey(config.directory, fileKey, random), {
    validFromSeconds: Math.max(0, nowSeconds - DAY_SECONDS),
    validUntilSeconds: nowSeconds + CERTIFICATE_SECONDS,
  });
  const timers = new Timers(context);
  const { bulletin, enrolmentSocket } = config;
  const server = await BulletinServer.listen({
    ...config.listen,
    ...{ identity, bulletin, enrolmentSocket, openFiles, timers, log },
  });
  report('ready', { port: server.port });
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  return {
    ended,
    async stop() {
      timers.stop();
      await server.close();
      end();
    },
  };
}

/** Public identity of a server, for the configurations of those that read from it. */
export interface BulletinServerIdentity {
  /** Pin of its key, hex. */
  readonly pin: string;
}

/** The part of the configuration that the server's key depends on. */
export type KeySettings = Pick<BulletinServerConfig, 'directory'>;

/** The schema of {@link KeySettings}: the command runs before the rest of the configuration can be known. */
export const keySettings = bulletinServerConfig.pick({ directory: true }).strip();

/** The server's public key; makes it on first use. @throws ClientError KEY_FILE, SEALED_INVALID */
export async function bulletinServerIdentity(
  { directory }: KeySettings,
  random: RandomSource,
): Promise<BulletinServerIdentity> {
  const { pin } = await bulletinServerKey(directory, await serverFileKey(), random);
  return { pin: toHex(pin) };
}

/** The server's key; made on first use. */
export async function bulletinServerKey(directory: string, fileKey: FileKey, random: RandomSource): Promise<LinkKey> {
  const secrets = await loadPartySecrets('bulletin', { directory, fileKey, random, seed: undefined });
  return linkKeyFromSeed(secrets('link'));
}

/** Servers have no names: which of them has which key decides only the pin that clients know. */
async function serverFileKey(): Promise<FileKey> {
  return new FileKey(await loadFileKey(process.env), 'bulletin server', '');
}
