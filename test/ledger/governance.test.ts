// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { StatusCode } from '@hyperledger/fabric-gateway';
import { freePorts } from '../../network/topology/ports.js';
import { startChaincodeServer } from '../../network/embedded/chaincode-servers.js';
import { NETWORK_FOLDER } from '../../network/topology/topology.js';
import { ChannelConfiguration } from '../support/ledger/channel-update.js';
import type { FabricUnderTest } from '../support/ledger/fabric-under-test.js';
import { requireFabric, useLedger } from '../support/ledger/ledger-under-test.js';
import { openGateway } from '../support/ledger/raw-gateway.js';
import {
  Clients,
  CONSUMERS_MSP,
  CONTROL_CENTER_MSP,
  SERVICE_PROVIDER_MSP,
} from '../support/ledger/region-on-ledger.js';

const CHANNEL = 'pricing';
/** What SP would like the endorsement policy to be. */
const OWN_PEERS = `OR('${SERVICE_PROVIDER_MSP}.peer')`;

/** A contract that writes whatever it is told. */
const WRITES_ANYTHING = join(NETWORK_FOLDER, '..', 'test', 'support', 'embedded', 'contract');

// Approvals and channel configurations exist on Fabric only: the embedded ledger has one owner.
describe('who may change the rules (Fabric only)', function () {
  this.timeout(180_000);
  const ledger = useLedger();
  let fabric: FabricUnderTest;
  before(function () {
    fabric = requireFabric(this, ledger());
  });

  describe('a chaincode', () => {
    it('is not changed by service provider and consumers together', async () => {
      const definition = await nextDefinition(OWN_PEERS);
      await fabric.lifecycle(SERVICE_PROVIDER_MSP, 'approveformyorg', ...definition);
      await fabric.lifecycle(CONSUMERS_MSP, 'approveformyorg', ...definition);
      await assertInvalid(SERVICE_PROVIDER_MSP, definition, [SERVICE_PROVIDER_MSP, CONSUMERS_MSP]);
    });

    it('is not changed by the control center alone', async () => {
      const definition = await nextDefinition(`OR('${CONTROL_CENTER_MSP}.member')`);
      await fabric.lifecycle(CONTROL_CENTER_MSP, 'approveformyorg', ...definition);
      await assertInvalid(CONTROL_CENTER_MSP, definition, [CONTROL_CENTER_MSP]);
    });

    it('is changed by the control center with one of them', async () => {
      const { sequence } = await committed();
      const { endorsement } = fabric.topology.policies;
      const definition = await nextDefinition(endorsement);
      const packageId = fabric.packageId(CHANNEL);
      await fabric.lifecycle(CONTROL_CENTER_MSP, 'approveformyorg', ...definition, '--package-id', packageId);
      await fabric.lifecycle(CONSUMERS_MSP, 'approveformyorg', ...definition);
      const endorsers = fabric.peersOf(CONTROL_CENTER_MSP, CONSUMERS_MSP);
      await fabric.lifecycle(CONTROL_CENTER_MSP, 'commit', ...definition, ...endorsers);
      assert.equal((await committed()).sequence, sequence + 1);
    });

    it("that the service provider runs on its own peer, in the control center's name, writes nothing and answers no client", async () => {
      const server = await runOwnChaincode();
      const clients = new Clients(fabric);
      const gateway = openGateway(fabric, SERVICE_PROVIDER_MSP);
      try {
        const submitted = await gateway.current
          .getNetwork(CHANNEL)
          .getContract(CHANNEL)
          .submitAsync('Put', {
            arguments: ['latest/stolen', '1'],
            endorsingOrganizations: [SERVICE_PROVIDER_MSP],
          });
        assert.equal((await submitted.getStatus()).code, StatusCode.ENDORSEMENT_POLICY_FAILURE);
        const query = clients.of(CONSUMERS_MSP).evaluate(CHANNEL, 'GetLatestSeal', ['stolen']);
        await assert.rejects(query, { code: 'NOT_FOUND' });
      } finally {
        gateway.close();
        clients.close();
        server.kill();
      }
    });
  });

  describe('a channel', () => {
    let channel: ChannelConfiguration;
    before(() => (channel = new ChannelConfiguration(fabric, CHANNEL)));

    const assertRefused = async (sender: string, cosigners: readonly string[]): Promise<void> => {
      const before = await channel.batchTimeout();
      const update = channel.setBatchTimeout('300ms', sender, cosigners);
      await assert.rejects(update, /BAD_REQUEST -- error applying config update.*policy.* not satisfied/s);
      assert.equal(await channel.batchTimeout(), before);
    };

    /** The orderer that takes an update need not be the one that leads. */
    const untilBatchTimeout = async (expected: string): Promise<void> => {
      while ((await channel.batchTimeout()) !== expected) {
        await pause(100);
      }
    };

    it('is not changed by service provider and consumers together', () =>
      assertRefused(SERVICE_PROVIDER_MSP, [CONSUMERS_MSP]));

    it('is not changed by the control center alone', () => assertRefused(CONTROL_CENTER_MSP, []));

    it('is changed by the control center with one of them', async () => {
      const before = await channel.batchTimeout();
      await channel.setBatchTimeout('250ms', CONTROL_CENTER_MSP, [SERVICE_PROVIDER_MSP]);
      await untilBatchTimeout('250ms');
      await channel.setBatchTimeout(before, CONSUMERS_MSP, [CONTROL_CENTER_MSP]);
      await untilBatchTimeout(before);
    });
  });

  const committed = async (): Promise<{ version: string; sequence: number }> =>
    (await fabric.committed(CHANNEL, CHANNEL))!;

  async function nextDefinition(policy: string): Promise<string[]> {
    const { version, sequence } = await committed();
    const next = ['-C', CHANNEL, '-n', CHANNEL, '-v', version, '--sequence', String(sequence + 1)];
    return [...next, '--signature-policy', policy];
  }

  async function assertInvalid(
    mspId: string,
    definition: readonly string[],
    endorsers: readonly string[],
  ): Promise<void> {
    const before = await committed();
    const commit = fabric.lifecycle(mspId, 'commit', ...definition, ...fabric.peersOf(...endorsers));
    await assert.rejects(commit, /transaction invalidated with status \(ENDORSEMENT_POLICY_FAILURE\)/);
    assert.deepEqual(await committed(), before);
  }

  /** Packages a contract of the service provider's own, and has its peer run it as this channel's chaincode. */
  async function runOwnChaincode(): Promise<ChildProcess> {
    const [port] = (await freePorts(1)) as [number];
    const address = `127.0.0.1:${port}`;
    const folder = fabric.scratch('own-chaincode');
    const archive = join(folder, 'own.tar.gz');
    const connection = { address, dial_timeout: '10s', tls_required: false };
    writeFileSync(join(folder, 'connection.json'), JSON.stringify(connection));
    writeFileSync(join(folder, 'metadata.json'), JSON.stringify({ type: 'ccaas', label: 'own' }));
    await fabric.tool('tar', ['-C', folder, '-czf', join(folder, 'code.tar.gz'), 'connection.json']);
    await fabric.tool('tar', ['-C', folder, '-czf', archive, 'metadata.json', 'code.tar.gz']);
    const id = (await fabric.tool('peer', ['lifecycle', 'chaincode', 'calculatepackageid', archive])).trim();
    const log = join(folder, 'log');
    const own = { name: CHANNEL, id, path: WRITES_ANYTHING, address, mspId: CONTROL_CENTER_MSP };
    const server = startChaincodeServer(own, log);
    while (!(await listens(port))) {
      await pause(50);
    }
    await fabric.peer(SERVICE_PROVIDER_MSP, 'lifecycle', 'chaincode', 'install', archive);
    const { version, sequence } = await committed();
    const definition = ['-C', CHANNEL, '-n', CHANNEL, '-v', version, '--sequence', String(sequence)];
    definition.push('--signature-policy', fabric.topology.policies.endorsement, '--package-id', id);
    await fabric.lifecycle(SERVICE_PROVIDER_MSP, 'approveformyorg', ...definition);
    return server;
  }
});

/** Whether a process listens on a port of the loopback interface. */
async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
