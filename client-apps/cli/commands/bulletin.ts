// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { regionName } from '../options.js';
import { fieldsResult, onRun, pairs } from '../output.js';
import { addRun, randomSource, withConfig } from '../run-party.js';

interface ExportOptions {
  profile: string;
  msp: string;
  certificate: string;
  key: string;
  region: string;
  out: string;
}

/** Adds `gridveil bulletin serve|identity|export`. */
export function addBulletin(program: Command): void {
  const bulletin = program.command('bulletin').description('published files of a region');
  addRun(
    bulletin,
    'serve',
    'serve a bulletin over HTTPS: as the public address of a region, or as a mirror',
    async () => {
      const { bulletinServerConfig, startBulletinServer } = await import('../../bulletin/serve/main.js');
      return { config: bulletinServerConfig, start: startBulletinServer };
    },
  );

  const identity = bulletin
    .command('identity')
    .description("print the pin of the server's key, for all that read from it; creates the key on first use");
  onRun<{ config: string }>(withConfig(identity), async ({ config }) => {
    const { bulletinServerIdentity, keySettings } = await import('../../bulletin/serve/main.js');
    const { loadConfig } = await import('../../runtime/config.js');
    return fieldsResult(await bulletinServerIdentity(await loadConfig(keySettings, config), randomSource));
  });

  const command = bulletin
    .command('export')
    .description("rebuild the bulletin from the ledger's blocks, as any member of the network can")
    .requiredOption('--profile <file>', 'connection profile of an organisation (connection-<org>.json)')
    .requiredOption('--msp <id>', 'MSP ID of the identity, such as ConsumersMSP')
    .requiredOption('--certificate <path>', 'certificate of the identity, or the directory that holds it')
    .requiredOption('--key <path>', 'private key of the identity, or the directory that holds it')
    .requiredOption('--region <name>', 'region to export', regionName)
    .requiredOption('--out <directory>', 'output directory; existing files must have the same bytes');
  onRun<ExportOptions>(command, async ({ profile, msp, certificate, key, region, out }) => {
    const { BulletinWriter } = await import('../../bulletin/writer.js');
    const { connectLedger } = await import('../../ledger/index.js');
    const { exportBulletin } = await import('../../bulletin/ledger-export.js');
    const client = connectLedger(profile, { mspId: msp, certificatePath: certificate, keyPath: key });
    try {
      const exported = await exportBulletin(client, region, await BulletinWriter.open(out));
      const { blocks, parameterVersions, directories, intervals } = exported;
      return {
        ok: parameterVersions > 0,
        data: { region, out, ...exported },
        text: [
          ...pairs([
            ['blocks read', String(blocks)],
            ['parameter versions', String(parameterVersions)],
            ['relay directories', String(directories)],
            ['intervals', `${intervals.consumption} sealed, ${intervals.pricing} priced, ${intervals.billing} billed`],
          ]),
          `To audit it: gridveil verify ${out}`,
        ],
      };
    } finally {
      client.close();
    }
  });
}
