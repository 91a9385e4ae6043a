// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { pino } from 'pino';
import { enrolHub } from '../../links/enrolment-client.js';
import { listenLocally } from '../../links/local-socket.js';
import { SystemClock } from '../../runtime/clock.js';
import { osRandom } from '../../runtime/random.js';
import type { RunningParty } from '../../runtime/party.js';
import { FileKey } from '../../runtime/sealed-file.js';
import { bulletinServerKey, openBulletinServer } from './main.js';
import { MAXIMUM_REQUESTS } from './server.js';

const ROWS = 'bulletin/test/1384128000/consumption.rows';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

describe('client-apps/bulletin/serve', function () {
  this.timeout(20_000);
  const random = osRandom();
  const fileKey = new FileKey(new Uint8Array(32).fill(3), 'bulletin server', '');
  const rows = randomBytes(300_000);
  const logged: string[] = [];
  let directory: string;
  let socketPath: string;
  let server: RunningParty;
  let port: number;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gridveil-server-'));
    await mkdir(join(directory, 'root', 'bulletin', 'test', '1384128000'), { recursive: true });
    await writeFile(join(directory, 'root', 'parameters.json'), 'version one');
    await writeFile(join(directory, 'root', ROWS), rows);
    socketPath = join(directory, 'enrolment.sock');
    const config = {
      directory: join(directory, 'own'),
      bulletin: join(directory, 'root'),
      listen: { host: '127.0.0.1', port: 0 },
      enrolmentSocket: socketPath,
    };
    const context = {
      clock: new SystemClock(),
      random,
      log: pino({ level: 'warn' }, { write: (line) => logged.push(line) }),
      report: (_name: string, data: object) => (port = (data as { port: number }).port),
    };
    server = await openBulletinServer(config, context, fileKey);
  });
  after(async () => {
    await server.stop();
    await rm(directory, { recursive: true });
  });

  const ask = (path: string, options: RequestOptions = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const request = httpsRequest(
        { host: '127.0.0.1', port, path: `/${path}`, rejectUnauthorized: false, ...options },
        (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('error', reject);
          response.on('end', () => {
            resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(parts) });
          });
        },
      );
      request.on('error', reject);
      request.end();
    });
  const ranged = (range: string, more: Record<string, string> = {}): Promise<Answer> =>
    ask(ROWS, { headers: { range, ...more } });

  it('gives whole files, and nothing to one who has them', async () => {
    const { status, headers, body } = await ask(ROWS);
    assert.equal(status, 200);
    assert.deepEqual(body, rows);
    for (const known of [headers.etag!, `"other", W/${headers.etag}`, '*']) {
      const again = await ask(ROWS, { headers: { 'if-none-match': known } });
      assert.deepEqual([again.status, again.body.length], [304, 0], known);
    }
    assert.equal((await ask(ROWS, { headers: { 'if-none-match': '"other"' } })).status, 200);
    const head = await ask(ROWS, { method: 'HEAD' });
    assert.deepEqual(
      [head.status, head.headers['content-length'], head.headers.etag, head.body.length],
      [200, '300000', headers.etag, 0],
    );
    assert.equal((await ask('bulletin/test/1384129800/consumption.rows')).status, 404);
    assert.equal((await ask(ROWS, { method: 'PUT' })).status, 404);
  });

  it('gives one range, and says when there is none', async () => {
    for (const [range, first, last] of [
      ['bytes=0-0', 0, 0],
      ['bytes=65535-200000', 65_535, 200_000],
      ['bytes=299999-', 299_999, 299_999],
      ['bytes=-5', 299_995, 299_999],
      ['bytes=10-999999', 10, 299_999],
    ] as const) {
      const { status, headers, body } = await ranged(range);
      assert.deepEqual([status, headers['content-range']], [206, `bytes ${first}-${last}/300000`]);
      assert.deepEqual(body, rows.subarray(first, last + 1));
    }
    for (const range of ['bytes=300000-', 'bytes=-0']) {
      const { status, headers } = await ranged(range);
      assert.deepEqual([status, headers['content-range']], [416, 'bytes */300000'], range);
    }
    for (const range of ['bytes=5-4', 'bytes=0-1,4-5', 'lines=1-2', 'bytes=-', 'bytes=0-', 'bytes=-400000']) {
      assert.deepEqual([(await ranged(range)).status, (await ranged(range)).body.length], [200, 300_000], range);
    }
    const { etag } = (await ask(ROWS)).headers;
    assert.equal((await ranged('bytes=0-9', { 'if-range': etag! })).status, 206);
    assert.equal((await ranged('bytes=0-9', { 'if-range': '"other"' })).status, 200);
  });

  it('gives a file that was replaced under another tag', async () => {
    const before = await ask('parameters.json');
    await writeFile(join(directory, 'root', 'next'), 'version one, version two');
    await rename(join(directory, 'root', 'next'), join(directory, 'root', 'parameters.json'));
    const now = await ask('parameters.json', { headers: { 'if-none-match': before.headers.etag! } });
    assert.deepEqual([now.status, now.body.toString()], [200, 'version one, version two']);
    assert.notEqual(now.headers.etag, before.headers.etag);
  });

  const openFiles = async (): Promise<number> => (await readdir('/proc/self/fd')).length;
  const dial = (): Promise<TLSSocket> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => resolve(socket));
      socket.on('error', reject);
    });

  it('answers requests that were sent at once one after the other, and no more than its bound', async function () {
    if (process.platform !== 'linux') {
      this.skip();
    }
    const before = await openFiles();
    const socket = await dial();
    socket.on('error', () => undefined);
    const get = `GET /${ROWS} HTTP/1.1\r\nhost: x\r\n\r\n`;
    socket.write(get.repeat(20));
    let most = 0;
    let length = 0;
    const watch = setInterval(() => void openFiles().then((count) => (most = Math.max(most, count))), 1);
    await new Promise<void>((resolve) => {
      socket.on('data', (part: Buffer) => {
        length += part.length;
        if (length > 20 * 300_000) {
          resolve();
        }
      });
    });
    clearInterval(watch);
    assert.ok(most - before <= 4, `${most - before} more open files than before`);
    const ended = new Promise((resolve) => socket.once('close', resolve));
    socket.write(get.repeat(MAXIMUM_REQUESTS));
    await ended;
    assert.ok(length < MAXIMUM_REQUESTS * 301_000);
  });

  describe('enrolment', () => {
    let center: Server;
    /** The control center's answer. */
    let answer: () => { status: number; body: string };
    let asked = 0;
    before(async () => {
      center = createHttpServer((request, response) => {
        asked++;
        request.resume().on('end', () => {
          const { status, body } = answer();
          response.writeHead(status).end(body);
        });
      });
      await listenLocally(center, socketPath);
    });
    after(() => {
      center.closeAllConnections();
      center.close();
    });

    const enrol = async (): Promise<unknown> => {
      const { pin } = await bulletinServerKey(join(directory, 'own'), fileKey, random);
      const address = { url: `https://127.0.0.1:${port}`, pin };
      return enrolHub(address, new Uint8Array(16), new Uint8Array(91), new Uint8Array(32));
    };

    it('goes to the control center, through a socket of its user only', async () => {
      assert.equal((await stat(socketPath)).mode & 0o777, 0o600);
      answer = () => ({ status: 200, body: '{"certificate":"PEM","parameters":"00"}' });
      assert.deepEqual(await enrol(), { certificate: 'PEM', parameters: Uint8Array.of(0) });
      answer = () => ({ status: 500, body: 'INTERNAL' });
      await assert.rejects(enrol(), { code: 'UNREACHABLE' });
    });

    it('is refused here after too many failures, without asking the control center', async () => {
      answer = () => ({ status: 403, body: 'UNKNOWN_CODE' });
      for (let failure = 0; failure < 10; failure++) {
        await assert.rejects(enrol(), { code: 'ENROLMENT_REFUSED', message: 'UNKNOWN_CODE' });
      }
      const before = asked;
      await assert.rejects(enrol(), { code: 'ENROLMENT_REFUSED', message: 'TOO_MANY_REQUESTS' });
      assert.equal(asked, before);
    });

    it('is out of reach while the control center is, which is logged once, and files are not', async () => {
      center.closeAllConnections();
      await new Promise((resolve) => center.close(resolve));
      logged.splice(0);
      for (let attempt = 0; attempt < 20; attempt++) {
        const post = await ask('enrol', { method: 'POST', localAddress: '127.0.0.2' });
        assert.deepEqual([post.status, post.body.toString()], [503, 'CONTROL_CENTER_UNREACHABLE']);
      }
      assert.equal(logged.length, 1);
      assert.equal((await ask('parameters.json')).status, 200);
      await listenLocally(center, socketPath);
    });
  });
});
