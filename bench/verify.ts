// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sodiumCrypto } from '../protocol/crypto/sodium.js';
import { splitRows } from '../protocol/ledger/page.js';
import { rowMessage, rowSignature, rowSignaturePublicKey } from '../protocol/ledger/row.js';
import { bulletinOf, writeFiles } from '../test/support/bulletin.js';
import { IntervalMaker } from '../test/support/interval.js';
import { measuredCommand } from '../test/support/measured-command.js';
import { FakeRegion } from '../test/support/region.js';
import type { Figures } from './figures.js';

/** Rows of consumption, and as many bills: half a full region's interval. */
const ROWS = 100_000;
const METERS = 5_000;

/** The offline audit against the bare verification of the signatures that it verifies. */
export async function benchVerify(): Promise<Figures> {
  const root = await mkdtemp(join(tmpdir(), 'gridveil-bench-verify-'));
  try {
    const signed = await publish(root);
    const { code, stdout, cpuSeconds, megabytes } = await measuredCommand('verify', root, '--json');
    if (code !== 0) {
      throw new Error(`the audit failed: ${stdout}`);
    }
    const bareSeconds = bareVerification(signed);
    return {
      rows: signed.length,
      auditCpuSeconds: cpuSeconds,
      bareVerificationCpuSeconds: bareSeconds,
      ratio: Math.round((100 * cpuSeconds) / bareSeconds) / 100,
      megabytes: Math.round(megabytes),
    };
  } finally {
    await rm(root, { recursive: true });
  }
}

/** Writes a bulletin of one interval, without any ledger. @returns its rows and bills */
async function publish(root: string): Promise<Uint8Array[]> {
  const kit = new FakeRegion({ meters: METERS });
  const interval = new IntervalMaker(kit).next(Array.from({ length: ROWS }, (_, row) => row % 5));
  await writeFiles(root, bulletinOf(kit, [interval]));
  return [...splitRows(interval.consumption.rows), ...splitRows(interval.billing.rows)];
}

/** Seconds of processor time of the signatures alone, their messages hashed beforehand. */
function bareVerification(rows: readonly Uint8Array[]): number {
  const signatures = rows.map((row) => ({
    signature: rowSignature(row),
    message: rowMessage(sodiumCrypto, row),
    publicKey: rowSignaturePublicKey(row),
  }));
  const start = process.cpuUsage();
  const valid = signatures.filter(({ signature, message, publicKey }) =>
    sodiumCrypto.ed25519Verify(signature, message, publicKey),
  );
  const { user, system } = process.cpuUsage(start);
  if (valid.length !== rows.length) {
    throw new Error('a signature is not valid');
  }
  return (user + system) / 1e6;
}
