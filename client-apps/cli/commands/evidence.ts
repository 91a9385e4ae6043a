// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { readNamedFile } from '../named-file.js';
import { withTrustAnchorOption } from '../options.js';
import { onRun } from '../output.js';

/** Adds `gridveil evidence check FILE`. */
export function addEvidence(program: Command): void {
  const evidence = program.command('evidence').description('evidence that a party misbehaved, for third parties');
  const check = withTrustAnchorOption(evidence.command('check <file>'))
    .description('check evidence of a wrong price, a file written by "gridveil verify --evidence"')
    .addHelpText('after', '\nExit code 0: proven, the service provider signed a wrong price; 1: not proven.');
  onRun<{ ccKey?: string }>(check, async ({ ccKey }, file) => {
    const { sodiumCrypto } = await import('../../../protocol/crypto/sodium.js');
    const { checkPriceEvidence, decodePriceEvidence } = await import('../../../protocol/rules/price-evidence.js');
    const { evidenceResult } = await import('../render/verify.js');
    const finding = checkPriceEvidence(sodiumCrypto, await readNamedFile(file, decodePriceEvidence), ccKey);
    return evidenceResult(finding, { file, ccKey });
  });
}
