// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { askLedger, ControlServer } from './control.js';
import { EmbeddedLedgerError } from './errors.js';
import type { LedgerNode } from './ledger-node.js';
import type { ControlAddress } from './ledger-directory.js';

const STATUS = { endpoints: {}, channels: [], chaincodes: [] };

describe('control', () => {
  const created: string[] = [];
  let stopped = 0;
  let server: ControlServer;
  let address: ControlAddress;

  before(async () => {
    const node = {
      status: () => STATUS,
      createChannel: (name: string) => {
        if (name === 'taken') {
          throw new EmbeddedLedgerError('ALREADY_EXISTS', 'channel taken exists already');
        }
        created.push(name);
        return Promise.resolve();
      },
    };
    server = new ControlServer(node as unknown as LedgerNode, () => stopped++);
    address = await server.listen();
  });

  after(() => server.close());

  it('performs requests of its owner, or says why not', async () => {
    assert.deepEqual(await askLedger(address, { verb: 'status' }), STATUS);
    await askLedger(address, { verb: 'createChannel', channel: 'new' });
    assert.deepEqual(created, ['new']);
    const taken = { code: 'ALREADY_EXISTS', message: 'channel taken exists already' };
    await assert.rejects(askLedger(address, { verb: 'createChannel', channel: 'taken' }), taken);
    await assert.rejects(askLedger(address, { verb: 'format' } as never), { code: 'CONFIG_INVALID' });
    assert.equal(await askLedger(address, { verb: 'stop' }), null);
    assert.equal(stopped, 1);
  });

  it('does nothing for anyone else', async () => {
    const guess = { ...address, token: '0'.repeat(address.token.length) };
    await assert.rejects(askLedger(guess, { verb: 'stop' }), { code: 'NOT_RUNNING' });
    await assert.rejects(
      askLedger({ ...address, token: '' }, { verb: 'createChannel', channel: 'x' }),
      EmbeddedLedgerError,
    );
    assert.deepEqual(created, ['new']);
    assert.equal(stopped, 1);
  });
});
