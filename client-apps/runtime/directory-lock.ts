// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { tryLock } from 'fs-native-extensions';
import { ClientError } from './errors.js';
import type { PartyContext, RunningParty } from './party.js';

/** File in a party's directory that is locked, and that names the process which did. */
export const LOCK_FILE = 'lock';

/** Longest holder's line that is read. */
const MAXIMUM_HOLDER_BYTES = 512;

/** A directory that no other process can lock. */
export interface DirectoryLock {
  release(): Promise<void>;
}

/**
 * Locks a party's directory for this process. The lock is the operating system's, so it ends with the process, also
 * after `kill -9`; what the file says is for people.
 *
 * @throws ClientError DIRECTORY_LOCKED naming the holder
 */
export async function lockDirectory(
  directory: string,
  { clock, log }: Pick<PartyContext, 'clock' | 'log'>,
): Promise<DirectoryLock> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const file = await open(join(directory, LOCK_FILE), constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    const isLocked = tryLock(file.fd);
    const holder = await readHolder(file);
    if (!isLocked) {
      throw new ClientError('DIRECTORY_LOCKED', `${directory}: held by ${holder || 'another process'}`);
    }
    if (holder !== '') {
      log.warn({ directory }, `directory taken over from ${holder}, which ended without releasing it`);
    }
    const since = new Date(clock.nowMilliseconds()).toISOString();
    await file.truncate();
    await file.write(`process ${process.pid} on ${hostname()} since ${since}`, 0);
  } catch (error) {
    await file.close();
    throw error;
  }
  return {
    async release() {
      await file.truncate();
      await file.close();
    },
  };
}

/** Starts a party while this process holds the lock of its directory, which is released when the party has stopped. */
export async function startLocked(
  directory: string,
  context: PartyContext,
  start: () => Promise<RunningParty>,
): Promise<RunningParty> {
  const lock = await lockDirectory(directory, context);
  let party: RunningParty;
  try {
    party = await start();
  } catch (error) {
    await lock.release();
    throw error;
  }
  let stopped: Promise<void> | undefined;
  return {
    ended: party.ended,
    stop: () => (stopped ??= party.stop().finally(() => lock.release())),
  };
}

/** The line of the process that locked the file last; empty when it was released, or never locked. */
async function readHolder(file: FileHandle): Promise<string> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(MAXIMUM_HOLDER_BYTES), 0, MAXIMUM_HOLDER_BYTES, 0);
  return buffer.toString('utf8', 0, bytesRead);
}
