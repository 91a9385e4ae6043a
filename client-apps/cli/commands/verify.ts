// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { PriceEvidence } from '../../../protocol/rules/price-evidence.js';
import { withTrustAnchorOption } from '../options.js';
import { onRun } from '../output.js';

interface VerifyOptions {
  ccKey?: string;
  evidence?: string;
}

/** Adds `gridveil verify DIR`. */
export function addVerify(program: Command): void {
  const command = withTrustAnchorOption(program.command('verify <directory>'))
    .description('audit a bulletin offline: every signature, row, index, seal, chain, price and bill')
    .option('--evidence <directory>', 'write evidence of wrong prices to this directory, one file per interval')
    .addHelpText(
      'after',
      '\nWithout --cc-key the key in parameters.json is trusted and printed: compare it with the fingerprint you know.\n' +
        'Exit code 0: no faults; 1: faults, one per line.',
    );
  onRun<VerifyOptions>(command, async ({ ccKey, evidence }, directory) => {
    const { sodiumCrypto } = await import('../../../protocol/crypto/sodium.js');
    const { auditBulletin } = await import('../../bulletin/audit.js');
    const { writePriceEvidence } = await import('../../bulletin/evidence.js');
    const { auditResult } = await import('../render/verify.js');
    const wrongPrices: PriceEvidence[] = [];
    const audit = await auditBulletin(sodiumCrypto, directory, ccKey, {
      onWrongPrice: (found) => void wrongPrices.push(found),
    });
    const written = evidence === undefined ? [] : await writePriceEvidence(evidence, wrongPrices);
    return auditResult(audit, { directory, ccKey, evidence: written });
  });
}
