// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { isPublicAddress } from './public-address.js';

describe('public address', () => {
  it('is an IPv4 or IPv6 address that the whole Internet reaches', () => {
    for (const host of ['1.1.1.1', '8.8.8.8', '100.63.0.1', '172.32.0.1', '192.167.1.1', '223.255.255.255']) {
      assert.equal(isPublicAddress(`${host}:7000`), true, host);
    }
    for (const host of ['[2606:4700::1111]', '[2a00:1450:4001::1]', '[3ffe::1]']) {
      assert.equal(isPublicAddress(`${host}:7000`), true, host);
    }
  });

  it('is none of this machine, of a private network or of a link, in no notation, and no name', () => {
    const private4 = ['127.0.0.1', '127.255.0.1', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1'];
    const other4 = [
      '0.0.0.0',
      '169.254.169.254',
      '100.64.0.1',
      '198.18.0.1',
      '203.0.113.5',
      '224.0.0.1',
      '255.255.255.255',
    ];
    for (const host of [...private4, ...other4]) {
      assert.equal(isPublicAddress(`${host}:7000`), false, host);
    }
    const six = [
      '[::]',
      '[::1]',
      '[fe80::1]',
      '[fc00::1]',
      '[fd12::1]',
      '[ff02::1]',
      '[::ffff:7f00:1]',
      '[::ffff:101:101]',
    ];
    const tunnels = ['[64:ff9b::a00:1]', '[2002:7f00:1::]', '[2001::1]', '[2001:db8::1]'];
    for (const host of [...six, ...tunnels, 'relay.example.org', 'localhost']) {
      assert.equal(isPublicAddress(`${host}:7000`), false, host);
    }
    for (const host of ['2130706433', '127.1', '0x7f.0.0.1', '[::ffff:127.0.0.1]', '[0:0:0:0:0:0:0:1]']) {
      assert.throws(() => isPublicAddress(`${host}:7000`), { code: 'MALFORMED' }, host);
    }
  });
});
