// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect as connectTls } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { listenLocally } from '../../client-apps/links/local-socket.js';

const PROGRAM = fileURLToPath(new URL('../../client-apps/cli/main.js', import.meta.url));
const PATH = 'bulletin/test/1384128000/consumption.rows';
const FILE_LENGTH = 4_000_000;
/** Time in which a household is served; beside readers that take nothing, until these have had theirs. */
const SERVED_MILLISECONDS = 6_000;
const SERVED_BESIDE_READERS_MILLISECONDS = 12_000;
/** Places that connections have at the fewest open files. */
const SERVED_AT_LEAST = 48;

/** Sizes of the attacks: those of the claims of group `long`, or small ones. */
const isFull = process.env['GRIDVEIL_ATTACK'] === 'full';
const OPEN_FILES = Number(process.env['GRIDVEIL_ATTACK_OPEN_FILES'] ?? (isFull ? 256 : 128));
const SIZES = isFull
  ? { idle: 2_000, pipelined: 3_000, pipeliners: 50, slow: 200 }
  : { idle: 300, pipelined: 300, pipeliners: 10, slow: 60 };

describe('the public address of a region', function () {
  this.timeout(180_000);
  let directory: string;
  let server: ChildProcess;
  let center: Server;
  let port: number;
  /** Connections and requests that reached the control center. */
  let reached = { connections: 0, requests: 0 };
  const attackers: Socket[] = [];

  before(async function () {
    // Addresses of the loopback network stand for different subscribers.
    if (process.platform !== 'linux') {
      this.skip();
    }
    directory = await mkdtemp(join(tmpdir(), 'gridveil-public-'));
    await mkdir(join(directory, 'root', 'bulletin', 'test', '1384128000'), { recursive: true });
    await writeFile(join(directory, 'root', 'parameters.json'), 'small');
    await writeFile(join(directory, 'root', PATH), randomBytes(FILE_LENGTH));
    await writeFile(join(directory, 'key'), randomBytes(32).toString('hex'), { mode: 0o600 });
    const socketPath = join(directory, 'enrolment.sock');
    center = createServer((request, response) => {
      reached.requests++;
      request.resume().on('end', () => response.end('{}'));
    });
    center.on('connection', () => reached.connections++);
    await listenLocally(center, socketPath);
    const config = join(directory, 'config.json');
    await writeFile(
      config,
      JSON.stringify({
        directory: join(directory, 'own'),
        bulletin: join(directory, 'root'),
        listen: { host: '127.0.0.1', port: 0 },
        enrolmentSocket: socketPath,
      }),
    );
    const command = `ulimit -n ${OPEN_FILES} && exec "$0" "$1" bulletin serve --config "$2" --json`;
    server = spawn('bash', ['-c', command, process.execPath, PROGRAM, config], {
      env: { PATH: process.env['PATH'], GRIDVEIL_KEY_FILE: join(directory, 'key') },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(server.stdout!), 'line')) as [string];
    port = (JSON.parse(line) as { data: { port: number } }).data.port;
  });
  after(async () => {
    server.kill('SIGTERM');
    await once(server, 'exit');
    center.closeAllConnections();
    center.close();
    await rm(directory, { recursive: true });
  });
  beforeEach(() => {
    reached = { connections: 0, requests: 0 };
  });
  afterEach(() => {
    for (const socket of attackers.splice(0)) {
      socket.destroy();
    }
    assert.equal(server.exitCode, null, 'the server runs');
  });

  /** Address number n of the attackers: 20 of them. */
  const attackerAddress = (number: number): string => `127.0.1.${1 + (number % 20)}`;
  const keep = <S extends Socket>(socket: S): S => {
    attackers.push(socket);
    return socket.on('error', () => undefined);
  };
  const dial = (number: number): Socket =>
    keep(connectTcp({ host: '127.0.0.1', port, localAddress: attackerAddress(number) }));
  const dialTls = async (number: number): Promise<Socket | undefined> => {
    const socket = dial(number);
    const secure = keep(connectTls({ socket, rejectUnauthorized: false }));
    return new Promise((resolve) => {
      secure.once('secureConnect', () => resolve(secure)).once('close', () => resolve(undefined));
    });
  };

  const exchange = (method: string, path: string, client: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port, method, path, localAddress: `127.0.0.${2 + client}` };
      const request = httpsRequest({ ...options, rejectUnauthorized: false, agent: false }, (response) => {
        let length = 0;
        response.on('data', (part: Buffer) => (length += part.length));
        response.on('error', reject);
        response.on('end', () =>
          response.statusCode === 200 ? resolve(length) : reject(new Error(`status ${response.statusCode}`)),
        );
      });
      request.on('error', reject);
      request.end(method === 'POST' ? '{}' : undefined);
    });

  /** Three households read files and enrol. @returns the milliseconds of the slowest exchange */
  const honest = async (): Promise<number> => {
    const times = await Promise.all(
      [0, 1, 2].map(async (client) => {
        let slowest = 0;
        for (const [method, path, length] of [
          ['GET', '/parameters.json', 5],
          ['GET', `/${PATH}`, FILE_LENGTH],
          ['POST', '/enrol', 2],
        ] as const) {
          const begun = performance.now();
          assert.equal(await exchange(method, path, client), length);
          slowest = Math.max(slowest, performance.now() - begun);
        }
        return slowest;
      }),
    );
    return Math.max(...times);
  };
  const assertServed = async (attack: string, milliseconds = SERVED_MILLISECONDS): Promise<void> => {
    for (let round = 1; round <= 3; round++) {
      const slowest = await honest();
      assert.ok(slowest < milliseconds, `${attack}, round ${round}: ${slowest} ms`);
    }
    assert.equal(reached.requests, 9, 'the control center is asked by the households alone');
    assert.ok(reached.connections <= 8, `${reached.connections} connections to the control center`);
    const open = (await readdir(`/proc/${server.pid}/fd`)).length;
    assert.ok(open < OPEN_FILES, `${open} open files`);
  };

  it('serves households beside idle connections and half handshakes', async () => {
    for (let number = 0; number < SIZES.idle; number++) {
      const socket = dial(number);
      if (number % 2 === 1) {
        socket.once('connect', () => socket.write(Buffer.from('1603010200010001fc0303', 'hex')));
      }
    }
    await assertServed('idle');
  });

  it('serves households beside clients that send thousands of requests at once', async () => {
    const get = `GET /${PATH} HTTP/1.1\r\nhost: x\r\n\r\n`;
    (await dialTls(0))?.write(get.repeat(SIZES.pipelined));
    for (let number = 1; number <= SIZES.pipeliners; number++) {
      void dialTls(number).then((socket) => {
        socket?.resume();
        socket?.write(get.repeat(90));
      });
    }
    await assertServed('pipelining');
  });

  it('serves households beside readers that take nothing', async () => {
    const asked = Array.from({ length: SIZES.slow }, async (_, number) => {
      const socket = await dialTls(number);
      socket?.pause();
      socket?.write(`GET /${PATH} HTTP/1.1\r\nhost: x\r\n\r\n`);
    });
    // Those that come after all places are taken wait as the households do.
    await Promise.all(asked.slice(0, SERVED_AT_LEAST));
    await assertServed('slow readers', SERVED_BESIDE_READERS_MILLISECONDS);
  });
});
