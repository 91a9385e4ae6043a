// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { SteppedClock } from '../../runtime/clock.js';
import { addressPrefix } from './address-prefix.js';
import {
  FailureLimit,
  FAILURES,
  MAXIMUM_COUNTS,
  MAXIMUM_SUBSCRIBERS_PER_SITE,
  PERIOD_MILLISECONDS,
} from './failure-limit.js';

describe('client-apps/bulletin/serve: addresses', () => {
  it('belong to their IPv4 address or to the first 64 bits of an IPv6 one, in every spelling', () => {
    for (const [address, subscriber, site] of [
      ['192.0.2.7', '192.0.2.7', '192.0.2.7'],
      ['::ffff:192.0.2.7', '192.0.2.7', '192.0.2.7'],
      ['::FFFF:c000:207', '192.0.2.7', '192.0.2.7'],
      ['0:0:0:0:0:ffff:192.0.2.7', '192.0.2.7', '192.0.2.7'],
      ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::', '2001:db8:1::'],
      ['2001:0DB8:0001:0002::9', '2001:db8:1:2::', '2001:db8:1::'],
      ['2001:db8::1', '2001:db8:0:0::', '2001:db8:0::'],
      ['fe80::1%eth0', 'fe80:0:0:0::', 'fe80:0:0::'],
      ['64:ff9b::192.0.2.7', '64:ff9b:0:0::', '64:ff9b:0::'],
      ['::1', '0:0:0:0::', '0:0:0::'],
    ] as const) {
      assert.deepEqual(addressPrefix(address), { subscriber, site }, address);
    }
  });
});

describe('client-apps/bulletin/serve: FailureLimit', () => {
  const others = ['2001:db8:ffff::1', '192.0.2.1', '::ffff:198.51.100.1'].map(addressPrefix);

  const fail = (limit: FailureLimit, address: string, times = FAILURES): void => {
    for (let failure = 0; failure < times; failure++) {
      limit.fail(addressPrefix(address));
    }
  };

  it('counts a subscriber, not its addresses, until the period is over', () => {
    const clock = new SteppedClock(0);
    const limit = new FailureLimit(clock);
    for (let number = 0; number < FAILURES; number++) {
      assert.ok(limit.allows(addressPrefix('2001:db8:1:2::1')));
      limit.fail(addressPrefix(`2001:db8:1:2::${number}`));
    }
    assert.equal(limit.allows(addressPrefix('2001:db8:1:2:ffff::')), false);
    fail(limit, '::ffff:203.0.113.5');
    assert.equal(limit.allows(addressPrefix('203.0.113.5')), false);
    assert.ok(limit.allows(addressPrefix('203.0.113.6')));
    clock.advance(PERIOD_MILLISECONDS);
    assert.ok(limit.allows(addressPrefix('203.0.113.5')));
  });

  it('keeps counting others, and does not refuse them for the failures of one subscriber, one site, or the whole world', () => {
    for (const flood of [
      (number: number) => `2001:db8:1:2::${number.toString(16)}`,
      (number: number) => `2001:db8:1:${number.toString(16)}::1`,
      (number: number) => `2001:${number.toString(16)}:1::1`,
    ]) {
      const limit = new FailureLimit(new SteppedClock(0));
      fail(limit, '203.0.113.9');
      for (let number = 0; number < MAXIMUM_COUNTS + 10; number++) {
        fail(limit, flood(number), 11);
      }
      assert.equal(limit.allows(addressPrefix('203.0.113.9')), false, 'forgotten');
      for (const other of others) {
        assert.ok(limit.allows(other), `${flood(1)}: ${other.subscriber} is refused`);
      }
    }
  });

  it('counts the subscribers of a site together when they are many', () => {
    const limit = new FailureLimit(new SteppedClock(0));
    for (let number = 0; number < MAXIMUM_SUBSCRIBERS_PER_SITE + FAILURES; number++) {
      limit.fail(addressPrefix(`2001:db8:1:${number.toString(16)}::1`));
    }
    assert.equal(limit.allows(addressPrefix('2001:db8:1:ffff::1')), false);
    assert.ok(limit.allows(addressPrefix('2001:db8:2:ffff::1')));
    assert.ok(limit.allows(addressPrefix('2001:db8:1:0::1')), 'one with a count of its own');
  });
});
