// SPDX-License-Identifier: Apache-2.0
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodePriceEvidence, type PriceEvidence } from '../../protocol/rules/price-evidence.js';

/** Writes evidence of wrong prices, one file per interval. @returns the paths of the files */
export async function writePriceEvidence(directory: string, found: readonly PriceEvidence[]): Promise<string[]> {
  if (found.length > 0) {
    await mkdir(directory, { recursive: true });
  }
  return Promise.all(
    found.map(async (evidence) => {
      const { region, startSeconds } = evidence.consumption.seal.ledgerId;
      const file = join(directory, `price-${region}-${startSeconds}.json`);
      await writeFile(file, encodePriceEvidence(evidence));
      return file;
    }),
  );
}
