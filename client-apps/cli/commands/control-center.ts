// SPDX-License-Identifier: Apache-2.0
import { Option, type Command } from 'commander';
import { MAXIMUM_CONNECTION_WATTS, MAXIMUM_SECONDS } from '../../../protocol/ledger/limits.js';
import type { ProvidedKind } from '../../../protocol/ledger/row.js';
import type { CodeRole } from '../../control-center/main.js';
import { hexText, integerBetween } from '../options.js';
import { loadConfig } from '../../runtime/config.js';
import { fieldsResult, onRun, timeText } from '../output.js';
import { addRun, randomSource, withConfig } from '../run-party.js';

/** Adds `gridveil control-center run|identity|codes|reopen|successor`. */
export function addControlCenter(program: Command): void {
  const center = program
    .command('control-center')
    .description('control center: registers meters, verifies and seals the ledgers, publishes the bulletin');
  addRun(center, 'run', 'run the control center', async () => {
    const { controlCenterConfig, startControlCenter } = await import('../../control-center/main.js');
    return { config: controlCenterConfig, start: startControlCenter };
  });

  const identity = center
    .command('identity')
    .description("print the control center's public keys, for all other configurations; creates the keys on first use");
  onRun<{ config: string }>(withConfig(identity), async (options) => {
    const { controlCenterIdentity, keySettings } = await import('../../control-center/main.js');
    return fieldsResult(await controlCenterIdentity(await loadConfig(keySettings, options.config), randomSource));
  });

  const codes = center
    .command('codes')
    .description('create one-use enrolment codes; the control center may be running')
    .addOption(
      new Option('--role <role>', 'role that the codes enrol').choices(['meter', 'hub', 'relay']).default('meter'),
    )
    .option('--count <n>', 'number of codes', integerBetween(1, 10_000), 1)
    .option(
      '--connection-limit <watts>',
      'power of the connection of each meter, by its fuse; default: the most that the parameters allow',
      integerBetween(1, MAXIMUM_CONNECTION_WATTS),
    );
  onRun<{ config: string; role: CodeRole; count: number; connectionLimit?: number }>(
    withConfig(codes),
    async ({ config, role, count, connectionLimit }) => {
      const { enrolmentCodes, keySettings } = await import('../../control-center/main.js');
      const made = await enrolmentCodes(await loadConfig(keySettings, config), randomSource, {
        role,
        count,
        connectionLimitWatts: connectionLimit,
      });
      return { data: { role, codes: made }, text: made };
    },
  );

  const reopen = center
    .command('reopen')
    .argument('<start>', 'start of the interval, Unix seconds', integerBetween(0, MAXIMUM_SECONDS))
    .description('let the service provider replace its header again, after 16 times; the control center may be running')
    .addOption(new Option('--ledger <ledger>', 'whose header').choices(['pricing', 'billing']).makeOptionMandatory());
  onRun<{ config: string; ledger: ProvidedKind }>(withConfig(reopen), async ({ config, ledger }, start) => {
    const { ledgerSettings, reopenHeader } = await import('../../control-center/main.js');
    const startSeconds = Number(start);
    await reopenHeader(await loadConfig(ledgerSettings, config), ledger, startSeconds);
    return {
      data: { ledger, startSeconds },
      text: [`The service provider may replace its header of interval ${startSeconds} on ${ledger} again.`],
    };
  });
  const successor = center
    .command('successor')
    .description(
      'name the successor of a service provider that has vanished, on both ledgers; the control center may be running',
    )
    .requiredOption('--msp <id>', "MSP id of the successor's organisation")
    .requiredOption('--public-key <hex>', 'publicKey of its `service-provider identity`', hexText(32))
    .requiredOption(
      '--signature-public-key <hex>',
      'signaturePublicKey of its `service-provider identity`',
      hexText(32),
    );
  onRun<{ config: string; msp: string; publicKey: string; signaturePublicKey: string }>(
    withConfig(successor),
    async ({ config, msp, publicKey, signaturePublicKey }) => {
      const { fromHex } = await import('../../../protocol/crypto/bytes.js');
      const { putSuccessor, successorSettings } = await import('../../control-center/main.js');
      const settings = await loadConfig(successorSettings, config);
      const from = await putSuccessor(settings, randomSource, {
        mspId: msp,
        publicKey: fromHex(publicKey),
        signaturePublicKey: fromHex(signaturePublicKey),
      });
      return {
        data: { pricingFromSeconds: from.pricing, billingFromSeconds: from.billing },
        text: [
          `The successor prices from interval ${from.pricing} (${timeText(from.pricing)}) on`,
          `and bills from interval ${from.billing} (${timeText(from.billing)}) on.`,
        ],
      };
    },
  );
}
