// SPDX-License-Identifier: Apache-2.0
import { randomInt } from 'node:crypto';
import { ClientError } from '../runtime/errors.js';
import { connectLedger, DEFAULT_PATIENCE, LedgerError, type LedgerClient } from '../ledger/index.js';
import type { DemoLedger } from './ledgers/demo-ledger.js';

/** Name of the region on a ledger of the run's own. */
export const FIRST_REGION = 'demo';

/** Names of the kind `run-x7k2`: 8 bytes, as a ledger id has room for. */
const FRESH_PREFIX = 'run-';
const FRESH_DIGITS = 4;
const RADIX = 36;

/** A network that has just been started answers within seconds; one that does not within these is not ready for a run. */
const PATIENCE = { ...DEFAULT_PATIENCE, totalMilliseconds: 15_000 };

/**
 * The region of a run. A ledger keeps what earlier runs wrote, so a name is of use only once on each. The question goes
 * the service provider's way, so that a ledger which it does not reach is found out before anything is started.
 *
 * @param wanted by default `demo` on a ledger of the run's own, a fresh name on one that was there before
 * @throws ClientError REGION_TAKEN; LedgerError, UNAVAILABLE with what to do when the ledger does not answer
 */
export async function regionOn({ repair, roles, access }: DemoLedger, wanted?: string): Promise<string> {
  if (repair === undefined) {
    return wanted ?? FIRST_REGION;
  }
  const { profile, identity } = access(roles.serviceProvider);
  const client = connectLedger(profile, identity, { controlCenterMspId: roles.controlCenter, patience: PATIENCE });
  try {
    if (wanted === undefined) {
      for (;;) {
        const fresh = freshRegion();
        if (!(await isTaken(client, fresh))) {
          return fresh;
        }
      }
    }
    if (!(await isTaken(client, wanted))) {
      return wanted;
    }
  } catch (cause) {
    if (!(cause instanceof LedgerError) || cause.code !== 'UNAVAILABLE') {
      throw cause;
    }
    throw new LedgerError('UNAVAILABLE', `${cause.message}; ${repair} starts what has stopped`, { cause });
  } finally {
    client.close();
  }
  const advice = 'give another --region, or none for a new name';
  throw new ClientError('REGION_TAKEN', `this ledger holds a region ${wanted} of an earlier run already; ${advice}`);
}

function freshRegion(): string {
  return (
    FRESH_PREFIX +
    randomInt(RADIX ** FRESH_DIGITS)
      .toString(RADIX)
      .padStart(FRESH_DIGITS, '0')
  );
}

async function isTaken(client: LedgerClient, region: string): Promise<boolean> {
  try {
    await client.evaluate('consumption', 'GetParameters', [region, 'latest']);
    return true;
  } catch (error) {
    if (error instanceof LedgerError && error.code === 'NOT_FOUND') {
      return false;
    }
    throw error;
  }
}
