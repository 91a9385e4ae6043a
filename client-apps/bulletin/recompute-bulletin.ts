// SPDX-License-Identifier: Apache-2.0
import type { Crypto } from '../../protocol/crypto/crypto.js';
import { intervalFolder, ROWS_FILE } from '../../protocol/ledger/bulletin.js';
import type { VerifiedInterval } from '../../protocol/rules/verify-interval.js';
import { auditBulletin, type AuditFault } from './audit.js';
import { readBulletinFile } from './tree.js';
import { recompute, type Handles, type Recomputed } from './recompute.js';

/** Bills that a household computed from a bulletin. */
export interface RecomputedBulletin {
  /** Fingerprint of the control center's key that was trusted; undefined if unreadable. */
  readonly trusted: string | undefined;
  /** Faults of the bulletin; an interval with a fault is not computed. */
  readonly faults: readonly AuditFault[];
  readonly intervals: readonly Recomputed[];
  /** Handles without a row: suppressed, lost, not sealed yet, or in an interval with a fault. */
  readonly missing: readonly string[];
}

/**
 * Audits a bulletin and computes the household's part of every interval without a fault.
 *
 * @param fingerprint of the control center's first key; undefined trusts the one in `parameters.json`
 * @throws ClientError WRONG_USE when the root is not a directory
 */
export async function recomputeBulletin(
  crypto: Crypto,
  root: string,
  handles: Handles,
  fingerprint?: string,
): Promise<RecomputedBulletin> {
  const verified: VerifiedInterval[] = [];
  const { trusted, faults } = await auditBulletin(crypto, root, fingerprint, {
    onInterval: (interval) => void verified.push(interval),
  });
  const missing = new Set(handles);
  const intervals: Recomputed[] = [];
  for (const interval of verified) {
    const file = (name: string): Promise<Uint8Array> =>
      readBulletinFile(root, `${intervalFolder(interval.ledgerId)}/${name}`);
    const billing = interval.stage === 'billing' ? await file(ROWS_FILE.billing) : undefined;
    const computed = recompute(interval, await file(ROWS_FILE.consumption), billing, handles);
    for (const handle of computed.found) {
      missing.delete(handle);
    }
    intervals.push(computed);
  }
  return { trusted, faults, intervals, missing: [...missing] };
}
