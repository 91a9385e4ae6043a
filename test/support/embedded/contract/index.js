// SPDX-License-Identifier: Apache-2.0
// A contract that uses each part of the chaincode interface once, for the ledger's own tests.
'use strict';

const { Contract } = require('../../../../chaincode/node_modules/fabric-contract-api');

class FixtureContract extends Contract {
  constructor() {
    super('FixtureContract');
  }

  async Put(ctx, key, value) {
    await ctx.stub.putState(key, Buffer.from(value));
    return value;
  }

  async Get(ctx, key) {
    return Buffer.from(await ctx.stub.getState(key)).toString();
  }

  async GetTimes(ctx, key, times) {
    for (let i = 0; i < Number(times); i++) await ctx.stub.getState(key);
  }

  async PutAndGet(ctx, key, value) {
    await ctx.stub.putState(key, Buffer.from(value));
    return Buffer.from(await ctx.stub.getState(key)).toString();
  }

  async Delete(ctx, key) {
    await ctx.stub.deleteState(key);
  }

  async Increment(ctx, key) {
    const count = Number(Buffer.from(await ctx.stub.getState(key)).toString() || '0') + 1;
    await ctx.stub.putState(key, Buffer.from(String(count)));
    return String(count);
  }

  async PutTransient(ctx, key) {
    const value = ctx.stub.getTransient().get('value');
    await ctx.stub.putState(key, Buffer.from(value));
    ctx.stub.setEvent('PutTransient', Buffer.from(key));
  }

  async DigestTransient(ctx) {
    return String(ctx.stub.getTransient().get('value').length);
  }

  async List(ctx, start, end) {
    const keys = [];
    for await (const { key } of ctx.stub.getStateByRange(start, end)) keys.push(key);
    return JSON.stringify(keys);
  }

  async ListFirst(ctx, start, end) {
    const iterator = await ctx.stub.getStateByRange(start, end);
    const { value } = await iterator.next();
    await iterator.close();
    return value.key;
  }

  /** Writes the number of keys in a range: two of these at once must not both hold if a key came between. */
  async Count(ctx, start, end, resultKey) {
    let count = 0;
    for await (const record of ctx.stub.getStateByRange(start, end)) count += record.key === resultKey ? 0 : 1;
    await ctx.stub.putState(resultKey, Buffer.from(String(count)));
    return String(count);
  }

  async Page(ctx, start, end) {
    await ctx.stub.getStateByRangeWithPagination(start, end, 2, '');
  }

  async PutMany(ctx, prefix, count) {
    for (let i = 0; i < Number(count); i++) {
      await ctx.stub.putState(prefix + String(i).padStart(5, '0'), Buffer.from(String(i)));
    }
  }

  async Composite(ctx, first, second) {
    await ctx.stub.putState(ctx.stub.createCompositeKey('pair', [first, second]), Buffer.from('x'));
  }

  async ListComposite(ctx, first) {
    const seconds = [];
    for await (const { key } of ctx.stub.getStateByPartialCompositeKey('pair', [first])) {
      seconds.push(ctx.stub.splitCompositeKey(key).attributes[1]);
    }
    return JSON.stringify(seconds);
  }

  async Caller(ctx) {
    return ctx.clientIdentity.getMSPID();
  }

  async Refuse(ctx, text) {
    throw new Error(text);
  }

  async Emit(ctx, name, payload) {
    await ctx.stub.putState('emitted', Buffer.from(payload));
    ctx.stub.setEvent(name, Buffer.from(payload));
  }

  async Query(ctx, chaincode, channel, args) {
    const { status, message, payload } = await ctx.stub.invokeChaincode(chaincode, JSON.parse(args), channel);
    return `${status} ${message} ${Buffer.from(payload).toString()}`;
  }

  async Private(ctx, key) {
    await ctx.stub.getPrivateData('secrets', key);
  }

  async History(ctx, key) {
    await ctx.stub.getHistoryForKey(key);
  }

  async Die() {
    process.exit(1);
  }
}

module.exports.contracts = [FixtureContract];
