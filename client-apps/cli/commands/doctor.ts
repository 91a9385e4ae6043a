// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { Command } from 'commander';
import { fromHex } from '../../../protocol/crypto/bytes.js';
import { ClientError } from '../../runtime/errors.js';
import { hexText } from '../options.js';
import { onRun, table } from '../output.js';

interface DoctorOptions {
  network?: string;
  server?: string;
  pin?: string;
}

/** Adds `gridveil doctor`. */
export function addDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description(
      "check that every chaincode answers through every organisation's gateway, and that a bulletin server does",
    )
    .option('--network <directory>', 'fabric-samples/test-network directory with Gridveil deployed')
    .option('--server <url>', 'HTTPS address of a bulletin server')
    .option('--pin <pin>', 'pin of its key, 64 hex digits', hexText(32));
  onRun<DoctorOptions>(command, async ({ network, server, pin }) => {
    const served = server === undefined ? undefined : await askServer(server, pin);
    if (network === undefined) {
      if (served === undefined) {
        throw new ClientError('WRONG_USE', 'doctor needs --network, or --server and --pin');
      }
      return served;
    }
    const { DeployedTestNetwork } = await import('../../../network/fabric/deployed-test-network.js');
    const { askChaincodes } = await import('../../ledger/ask-chaincodes.js');
    const testNetwork = DeployedTestNetwork.open(network);
    const { organizations, chaincodes, roles } = testNetwork.topology;
    const ways = organizations.map(({ mspId }) => ({
      profile: testNetwork.connectionProfile(mspId),
      identity: testNetwork.user(mspId),
    }));
    const answers = await askChaincodes(ways, chaincodes, roles.controlCenter);
    const faults = answers.flatMap(({ chaincode, mspId, fault }) => (fault ? [{ chaincode, mspId, ...fault }] : []));
    return {
      ok: faults.length === 0 && served?.ok !== false,
      data: { answers, ...served?.data },
      text: [
        ...(served?.text ?? []),
        ...table(answers.map(({ chaincode, mspId, fault }) => [chaincode, mspId, fault ? 'FAILED' : 'ok'])),
        ...faults.map(({ chaincode, mspId, code, message }) => `${chaincode} through ${mspId}: ${code}: ${message}`),
        ...(faults.length === 0 ? [] : [`Logs of the chaincode servers: ${join(network, 'gridveil', 'logs')}`]),
      ],
    };
  });
}

/** Asks a bulletin server for the parameters, as a meter does first. @throws ClientError WRONG_USE */
async function askServer(
  url: string,
  pin: string | undefined,
): Promise<{ ok: boolean; data: { server: object }; text: string[] }> {
  if (pin === undefined) {
    throw new ClientError('WRONG_USE', '--server needs --pin, from gridveil bulletin identity');
  }
  const { HttpsBulletin } = await import('../../bulletin/reader.js');
  const bulletin = new HttpsBulletin(url, fromHex(pin));
  try {
    const bytes = (await bulletin.readParameters())?.length ?? 0;
    const text = bytes > 0 ? 'ok' : 'FAILED: it has no parameters.json';
    return { ok: bytes > 0, data: { server: { url, parametersBytes: bytes } }, text: [`${url}  ${text}`] };
  } catch (error) {
    if (!(error instanceof ClientError)) {
      throw error;
    }
    const { code, message } = error;
    return { ok: false, data: { server: { url, code, message } }, text: [`${url}  FAILED: ${code}: ${message}`] };
  } finally {
    bulletin.close();
  }
}
