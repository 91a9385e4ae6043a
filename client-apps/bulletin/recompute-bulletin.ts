// SPDX-License-Identifier: Apache-2.0
import type { Crypto } from '../../protocol/crypto/crypto.js';
import { ROWS_FILE } from '../../protocol/ledger/bulletin.js';
import { requireFile } from '../../protocol/rules/interval-files.js';
import { auditBulletin, type Audit } from './audit.js';
import { recompute, type Handles, type Recomputed } from './recompute.js';

/** Bills that a household computed from a bulletin. */
export interface RecomputedBulletin {
  /** An interval with a fault is not computed. */
  readonly audit: Audit;
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
  const missing = new Set(handles);
  const intervals: Recomputed[] = [];
  const audit = await auditBulletin(crypto, root, fingerprint, {
    onInterval: (interval, files) => {
      const consumption = requireFile(files, ROWS_FILE.consumption);
      const computed = recompute(interval, consumption, files.get(ROWS_FILE.billing), handles);
      for (const handle of computed.found) {
        missing.delete(handle);
      }
      intervals.push(computed);
    },
  });
  return { audit, intervals, missing: [...missing] };
}
