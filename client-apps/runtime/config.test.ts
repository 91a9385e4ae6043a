// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { amount, controlCenterAddress, hexBytes, loadConfig, parseConfig, port, region } from './config.js';

const schema = z.strictObject({
  region,
  port,
  key: hexBytes(2),
  price: amount,
  controlCenter: controlCenterAddress,
});
const good = {
  region: 'london',
  port: 0,
  key: 'a0ff',
  price: '12345678901234567890',
  controlCenter: { url: 'https://127.0.0.1:8443', pin: '00'.repeat(32) },
};

describe('client-apps/runtime/config', () => {
  it('reads a configuration into its types', () => {
    const config = parseConfig(schema, good, 'test');
    assert.deepEqual(config.key, Uint8Array.of(0xa0, 0xff));
    assert.equal(config.price, 12_345_678_901_234_567_890n);
  });

  it('lists all that is wrong at once, unknown fields too', () => {
    const bad = { ...good, region: 'London!', port: 70_000, key: 'A0FF', price: '01', extra: 1 };
    assert.throws(
      () => parseConfig(schema, { ...bad, controlCenter: { url: 'http://x', pin: '' } }, 'my.json'),
      (error: Error & { code: string }) => {
        assert.equal(error.code, 'CONFIG_INVALID');
        assert.match(error.message, /^my\.json:/);
        for (const field of ['region', 'port', 'key', 'price', 'controlCenter.url', 'controlCenter.pin', 'extra']) {
          assert.ok(error.message.includes(field), field);
        }
        return true;
      },
    );
  });

  it('calls a field that is not there missing', () => {
    assert.throws(() => parseConfig(schema, { ...good, region: undefined, controlCenter: {} }, 'my.json'), {
      message:
        'my.json:\n  region: is missing; expected string\n  controlCenter.url: is missing; expected string\n' +
        '  controlCenter.pin: is missing; expected string',
    });
  });

  it('names the file that is not JSON or not there', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'gridveil-config-'));
    const path = join(directory, 'config.json');
    await assert.rejects(loadConfig(schema, path), { code: 'CONFIG_INVALID' });
    await writeFile(path, '{');
    await assert.rejects(loadConfig(schema, path), (error: Error) => error.message.startsWith(path));
    await writeFile(path, JSON.stringify(good));
    assert.equal((await loadConfig(schema, path)).region, 'london');
    await rm(directory, { recursive: true });
  });
});
