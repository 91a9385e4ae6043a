// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { identityOf } from '../../test/support/links.js';
import { PinnedHttps } from './pinned-https.js';

const DEADLINE = 500;

describe('pinned HTTPS', () => {
  let server: Server;
  let https: PinnedHttps;
  let answer: RequestListener;

  before(async () => {
    const { key, certificate } = await identityOf('server');
    const pem = key.privateKey.export({ format: 'pem', type: 'pkcs8' });
    server = createServer({ key: pem, cert: certificate }, (request, response) => answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    https = new PinnedHttps(url, key.pin, DEADLINE);
  });
  after(() => {
    https.close();
    server.closeAllConnections();
    server.close();
  });

  const took = async (exchange: Promise<unknown>): Promise<number> => {
    const begun = performance.now();
    await assert.rejects(exchange, { code: 'UNREACHABLE' });
    return performance.now() - begun;
  };

  it('ends an answer that trickles, one that never begins, and a request that no server reads', async () => {
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': 1_000_000 });
      const trickle = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(trickle));
    };
    const times = [await took(https.get('/', 1_000_000))];
    answer = () => undefined;
    times.push(await took(https.get('/', 1_000)), await took(https.post('/', new Uint8Array(100), 1_000)));
    for (const time of times) {
      assert.ok(time >= DEADLINE - 5 && time < 10 * DEADLINE, `${time} ms`);
    }
    answer = (_, response) => response.end('well');
    assert.deepEqual((await https.get('/', 1_000)).body, Buffer.from('well'));
  });

  it('breaks off an answer that is too long', async () => {
    answer = (_, response) => response.end('x'.repeat(1_001));
    await assert.rejects(https.get('/', 1_000), { code: 'BAD_ANSWER' });
  });
});
