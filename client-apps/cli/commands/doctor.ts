// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { Command } from 'commander';
import { onRun, table } from '../output.js';

/** Adds `gridveil doctor`. */
export function addDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description("check that every chaincode answers through every organisation's gateway")
    .requiredOption('--network <directory>', 'fabric-samples/test-network directory with Gridveil deployed');
  onRun<{ network: string }>(command, async ({ network }) => {
    const { TestNetwork } = await import('../../../network/fabric/test-network.js');
    const { askChaincodes } = await import('../../ledger/ask-chaincodes.js');
    const testNetwork = TestNetwork.open(network);
    const { organizations, chaincodes, roles } = testNetwork.topology;
    const ways = organizations.map(({ mspId }) => ({
      profile: testNetwork.connectionProfile(mspId),
      identity: testNetwork.user(mspId),
    }));
    const answers = await askChaincodes(ways, chaincodes, roles.controlCenter);
    const faults = answers.flatMap(({ chaincode, mspId, fault }) => (fault ? [{ chaincode, mspId, ...fault }] : []));
    return {
      ok: faults.length === 0,
      data: { answers },
      text: [
        ...table(answers.map(({ chaincode, mspId, fault }) => [chaincode, mspId, fault ? 'FAILED' : 'ok'])),
        ...faults.map(({ chaincode, mspId, code, message }) => `${chaincode} through ${mspId}: ${code}: ${message}`),
        ...(faults.length === 0 ? [] : [`Logs of the chaincode servers: ${join(network, 'gridveil', 'logs')}`]),
      ],
    };
  });
}
