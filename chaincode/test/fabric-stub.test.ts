// SPDX-License-Identifier: Apache-2.0
import './quiet.js';
import { type Context, Contract } from 'fabric-contract-api';
import assert from 'node:assert/strict';
import { serializers } from '../common/serializer.js';
import { type ChaincodePackage, FakeLedger } from './fabric-stub.js';
import type { Simulation } from './simulation-stub.js';

/** Does whatever a contract might, without our rules. The dispatcher finds plain methods too. */
class ProbeContract extends Contract {
  constructor() {
    super('ProbeContract');
  }

  async writeThenRead(ctx: Context, key: string, value: string): Promise<string> {
    await ctx.stub.putState(key, Buffer.from(value));
    return `[${Buffer.from(await ctx.stub.getState(key)).toString()}]`;
  }

  async write(ctx: Context, key: string, value: string): Promise<void> {
    await ctx.stub.putState(key, Buffer.from(value));
  }

  async readAndWrite(ctx: Context, read: string, written: string): Promise<void> {
    await ctx.stub.getState(read);
    await ctx.stub.putState(written, Buffer.from('x'));
  }

  async range(ctx: Context, start: string, end: string, write: string): Promise<string> {
    const keys: string[] = [];
    const iterator = await ctx.stub.getStateByRange(start, end);
    for (let item = await iterator.next(); !item.done; item = await iterator.next()) {
      keys.push(item.value.key);
    }
    await iterator.close();
    await ctx.stub.putState(write, Buffer.from('x'));
    return keys.join();
  }

  async page(ctx: Context, size: string, bookmark: string): Promise<string> {
    const response = await ctx.stub.getStateByRangeWithPagination('', '~', Number(size), bookmark);
    const { iterator, metadata } = response;
    const keys: string[] = [];
    for (let item = await iterator.next(); !item.done; item = await iterator.next()) {
      keys.push(item.value.key);
    }
    return `${keys.join()}|${metadata.bookmark}`;
  }

  async pageAndWrite(ctx: Context): Promise<void> {
    await ctx.stub.getStateByRangeWithPagination('', '~', 1);
    await ctx.stub.putState('k', Buffer.from('x'));
  }

  async elsewhere(ctx: Context, channel: string): Promise<string> {
    const response = await ctx.stub.invokeChaincode(channel, ['write', 'there', 'x'], channel);
    return String(response.status);
  }

  async time(ctx: Context): Promise<string> {
    await Promise.resolve();
    return String(ctx.stub.getTxTimestamp().nanos);
  }
}

const PROBE: ChaincodePackage = { contracts: [ProbeContract], serializers };

describe('the ledger that unit tests use', () => {
  let ledger: FakeLedger;
  const simulate = (transaction: string, ...args: string[]): Promise<Simulation> =>
    ledger.simulate('one', { mspId: 'AnyMSP', transaction, args });
  const submit = (transaction: string, ...args: string[]): Promise<Simulation> =>
    ledger.submit('one', { mspId: 'AnyMSP', transaction, args });
  const payload = ({ payload: bytes }: Simulation): string => Buffer.from(bytes).toString();

  beforeEach(() => {
    ledger = new FakeLedger().deploy('one', PROBE).deploy('two', PROBE);
  });

  it('shows a transaction nothing of its own writes', async () => {
    assert.equal(payload(await submit('writeThenRead', 'k', 'v')), '[]');
    assert.equal(payload(await submit('writeThenRead', 'k', 'w')), '[v]');
  });

  it('treats an empty value as a delete', async () => {
    await submit('write', 'k', 'v');
    await submit('write', 'k', '');
    assert.deepEqual(ledger.stateOf('one'), []);
  });

  it('orders ranges by UTF-8 bytes, and a range by its bounds', async () => {
    for (const key of ['b', '\u{10000}', '\uffff', 'a']) {
      await submit('write', key, 'v');
    }
    assert.equal(payload(await simulate('range', 'a', '\u{10ffff}', 'z')), 'a,b,\uffff,\u{10000}');
    assert.equal(payload(await simulate('range', 'a', 'b', 'z')), 'a');
  });

  it('pages with the next key as the bookmark, and never beside a write', async () => {
    for (const key of ['a', 'b', 'c']) {
      await submit('write', key, 'v');
    }
    assert.equal(payload(await simulate('page', '2', '')), 'a,b|c');
    assert.equal(payload(await simulate('page', '2', 'c')), 'c|');
    assert.match((await simulate('pageAndWrite')).message, /read-only/);
  });

  it('refuses at commit what was read in another version', async () => {
    const stale = await simulate('readAndWrite', 'k', 'l');
    await submit('write', 'k', 'v');
    assert.equal(ledger.commit(stale), 'MVCC_READ_CONFLICT');
    assert.equal(ledger.commit(await simulate('readAndWrite', 'k', 'l')), 'VALID');
  });

  it('refuses at commit a range that has changed', async () => {
    const stale = await simulate('range', 'a', 'c', 'z');
    await submit('write', 'b', 'v');
    assert.equal(ledger.commit(stale), 'PHANTOM_READ_CONFLICT');
    const untouched = await simulate('range', 'a', 'c', 'z');
    await submit('write', 'c', 'v');
    assert.equal(ledger.commit(untouched), 'VALID');
  });

  it('drops what a contract on another channel writes, and refuses its own channel', async () => {
    assert.equal(payload(await submit('elsewhere', 'two')), '200');
    assert.deepEqual(ledger.stateOf('two'), []);
    assert.match((await simulate('elsewhere', 'one')).message, /own channel/);
  });

  it('has no clock', async () => assert.match((await simulate('time')).message, /timestamp/));
});
