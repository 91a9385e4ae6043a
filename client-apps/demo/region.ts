// SPDX-License-Identifier: Apache-2.0
import { randomInt } from 'node:crypto';
import { ClientError } from '../runtime/errors.js';
import { connectLedger, DEFAULT_PATIENCE, LedgerError, type LedgerClient } from '../ledger/index.js';
import type { DemoLedger } from './ledgers/demo-ledger.js';

/** Name of the region on a ledger that the run starts itself. */
export const FIRST_REGION = 'demo';

/** Names of the kind `run-x7k2`: 8 bytes, as a ledger id has room for. */
const FRESH_PREFIX = 'run-';
const FRESH_DIGITS = 4;
const RADIX = 36;

/** Time within which an existing network must answer. */
const PATIENCE = { ...DEFAULT_PATIENCE, totalMilliseconds: 15_000 };

/**
 * Chooses the region of a run. A ledger keeps the regions of earlier runs, so a name can be used only once. The query
 * uses the service provider's gateway, so that an unreachable ledger is found before anything is started.
 *
 * @param wanted by default `demo` on a ledger that the run starts, a fresh name on an existing one
 * @throws ClientError REGION_TAKEN; LedgerError UNAVAILABLE when the ledger does not answer
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
    throw new LedgerError('UNAVAILABLE', `${cause.message}; to restart stopped processes: ${repair}`, { cause });
  } finally {
    client.close();
  }
  const advice = 'choose another --region, or omit it for a new name';
  throw new ClientError('REGION_TAKEN', `region ${wanted} already exists on this ledger; ${advice}`);
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
