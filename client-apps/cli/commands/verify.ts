// SPDX-License-Identifier: Apache-2.0
import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { readNamedFile } from '../named-file.js';
import { withTrustAnchorOption } from '../options.js';
import { onRun, type Result } from '../output.js';

interface VerifyOptions {
  ccKey?: string;
  evidence?: string;
}

/** Adds `gridveil verify PATH`. */
export function addVerify(program: Command): void {
  const command = withTrustAnchorOption(program.command('verify <path>'))
    .description(
      'audit a bulletin offline: every signature, row, index, seal, chain, price and bill; or judge evidence',
    )
    .option('--evidence <directory>', 'write evidence of wrong prices to this directory, one file per interval')
    .addHelpText(
      'after',
      '\nPATH is the directory of a bulletin or of a dispute, or a file that --evidence wrote.\n' +
        'Without --cc-key the key in parameters.json is trusted and printed: compare it with the fingerprint you know.\n' +
        'Exit code 0: no faults, or evidence that proves a wrong price; 1: faults, or nothing proven.',
    );
  onRun<VerifyOptions>(command, async (options, path) => {
    const isDirectory = await stat(path).then(
      (stats) => stats.isDirectory(),
      () => false,
    );
    return isDirectory ? verifyDirectory(path, options) : verifyEvidence(path, options);
  });
}

async function verifyDirectory(path: string, { ccKey, evidence }: VerifyOptions): Promise<Result> {
  const { sodiumCrypto } = await import('../../../protocol/crypto/sodium.js');
  const { auditBulletin } = await import('../../bulletin/audit.js');
  const { writePriceEvidence } = await import('../../bulletin/evidence.js');
  const { auditResult } = await import('../render/verify.js');
  const written: string[] = [];
  const audit = await auditBulletin(sodiumCrypto, path, ccKey, {
    onWrongPrice: async (found) => {
      if (evidence !== undefined) {
        written.push(await writePriceEvidence(evidence, found));
      }
    },
  });
  return auditResult(audit, { path, ccKey, evidence: written });
}

async function verifyEvidence(path: string, { ccKey }: VerifyOptions): Promise<Result> {
  const { sodiumCrypto } = await import('../../../protocol/crypto/sodium.js');
  const { checkPriceEvidence, decodePriceEvidence, MAXIMUM_EVIDENCE_BYTES } =
    await import('../../../protocol/rules/price-evidence.js');
  const { evidenceResult } = await import('../render/evidence.js');
  const evidence = await readNamedFile(path, MAXIMUM_EVIDENCE_BYTES, decodePriceEvidence);
  return evidenceResult(checkPriceEvidence(sodiumCrypto, evidence, ccKey), { path, ccKey });
}
