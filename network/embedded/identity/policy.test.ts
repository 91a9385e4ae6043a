// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { FakeOrganization, registryOf } from '../../../test/support/embedded/organization.js';
import type { Identity, Role } from './msp.js';
import { SignaturePolicy, smallestSubset } from './policy.js';

describe('signature policy', () => {
  const people: Record<string, Identity> = {};
  const evaluate = (text: string, ...names: string[]): boolean =>
    new SignaturePolicy(text).isSatisfiedBy(names.map((name) => people[name]!));

  before(async () => {
    const [a, b] = await Promise.all([FakeOrganization.create('A'), FakeOrganization.create('B')]);
    const registry = registryOf(a, b);
    const cast: [string, FakeOrganization, Role][] = [
      ['a.peer', a, 'peer'],
      ['a.peer2', a, 'peer'],
      ['a.client', a, 'client'],
      ['b.peer', b, 'peer'],
      ['b.admin', b, 'admin'],
    ];
    for (const [name, organization, role] of cast) {
      people[name] = registry.identity((await organization.issue(role)).serialized)!;
    }
  });

  it('asks for the organisation and the role', () => {
    assert.ok(evaluate("OR('A.peer')", 'a.peer'));
    assert.ok(!evaluate("OR('A.peer')", 'b.peer'));
    assert.ok(!evaluate("OR('A.peer')", 'a.client'));
    assert.ok(!evaluate("OR('A.peer')"));
    assert.ok(evaluate("OR('A.member')", 'a.client'));
  });

  it('evaluates AND, OR and OutOf, nested', () => {
    const nested = "AND('A.peer',OR('B.peer','B.admin'))";
    assert.ok(evaluate(nested, 'a.peer', 'b.admin'));
    assert.ok(!evaluate(nested, 'a.peer'));
    assert.ok(!evaluate(nested, 'b.peer', 'b.admin'));
    assert.ok(evaluate("OutOf(2, 'A.peer', 'B.peer', 'B.admin')", 'b.peer', 'b.admin'));
    assert.ok(!evaluate("OutOf(2, 'A.peer', 'B.peer', 'B.admin')", 'b.peer'));
  });

  it('counts one signer once, however often it signs', () => {
    const two = "OutOf(2,'A.peer','A.peer')";
    assert.ok(!evaluate(two, 'a.peer', 'a.peer'));
    assert.ok(evaluate(two, 'a.peer', 'a.peer2'));
  });

  it('refuses text that is not a policy', () => {
    for (const text of [
      '',
      'A.peer',
      "OR('A.peer'",
      "OR('A.king')",
      "XOR('A.peer')",
      "OR('A.peer') x",
      "OutOf('A.peer')",
    ]) {
      assert.throws(() => new SignaturePolicy(text), { code: 'CONFIG_INVALID' }, text);
    }
  });

  it('finds the fewest endorsers, the first ones preferred', () => {
    const policy = new SignaturePolicy("OR('B.peer',AND('A.peer','B.admin'))");
    const choose = (...names: string[]): readonly string[] | undefined =>
      smallestSubset(names, (subset) => policy.isSatisfiedBy(subset.map((name) => people[name]!)));
    assert.deepEqual(choose('a.peer', 'b.admin', 'b.peer'), ['b.peer']);
    assert.deepEqual(choose('a.peer', 'a.client', 'b.admin'), ['a.peer', 'b.admin']);
    assert.equal(choose('a.peer', 'a.client'), undefined);
  });
});
