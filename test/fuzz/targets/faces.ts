// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, request as httpRequest, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { duplexPair } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { concatBytes, toHex } from '../../../protocol/crypto/bytes.js';
import { encodeEnrolmentRequest } from '../../../protocol/identity/enrolment.js';
import { isBulletinPath } from '../../../client-apps/bulletin/layout.js';
import { ServedFiles } from '../../../client-apps/bulletin/serve/files.js';
import { refuse, sendFile } from '../../../client-apps/bulletin/serve/send-file.js';
import {
  enrol,
  enrolHub,
  enrolRelay,
  HUB_ENROLMENT_PATH,
  METER_ENROLMENT_PATH,
  RELAY_ENROLMENT_PATH,
} from '../../../client-apps/links/enrolment-client.js';
import { FRAME } from '../../../client-apps/links/frames.js';
import { linkKeyFromSeed } from '../../../client-apps/links/link-identity.js';
import { LINK_TLS_OPTIONS } from '../../../client-apps/links/link.js';
import { readBody } from '../../../client-apps/links/read-body.js';
import { ControlCenterUnderTest, EnrollingMeter, type RunningCenter } from '../../support/control-center.js';
import { identityOf, listen, seedOf } from '../../support/links.js';
import { joinInput, splitInput, textOf, utf8, type FuzzTarget } from '../input.js';
import { attemptAsync } from '../target.js';

/** A face must have closed the connection, or taken all bytes, after this time. */
const PATIENCE_MILLISECONDS = 2_000;

/** Sends bytes, then ends the connection, and waits until the other side has closed it too. */
function exchange(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`the connection is still open after ${PATIENCE_MILLISECONDS} ms`));
    }, PATIENCE_MILLISECONDS);
    socket.on('error', () => undefined);
    socket.on('data', () => undefined);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.end(bytes);
  });
}

const listener = listen('relay');
const client = identityOf('peer');

/** A link's listener: an even first byte sends the rest before any handshake, an odd one as a linked peer. */
const links: FuzzTarget = {
  name: 'link-face',
  seeds: () => [
    Uint8Array.from([0, 22, 3, 1, 0, 5, 1, 0, 0, 1, 3]),
    concatBytes(Uint8Array.of(1, FRAME.mailboxDrain, 0, 0, 0, 8), new Uint8Array(8)),
    Uint8Array.of(1, 99, 255, 255, 255, 255),
  ],
  async run(bytes) {
    const { port } = await listener;
    if ((bytes[0] ?? 0) % 2 === 0) {
      await exchange(connect(port, '127.0.0.1'), bytes.subarray(1));
      return true;
    }
    const { key, certificate } = await client;
    const socket = connectTls({
      ...LINK_TLS_OPTIONS,
      port,
      host: '127.0.0.1',
      key: key.privateKey.export({ format: 'pem', type: 'pkcs8' }),
      cert: certificate,
    });
    await exchange(socket, bytes.subarray(1));
    return true;
  },
  close: async () => (await listener).close(),
};

/** A region's control center with its bulletin server, and one code of each kind. */
interface Region {
  readonly kit: ControlCenterUnderTest;
  readonly center: RunningCenter;
  readonly meter: string;
  readonly hub: string;
  readonly relay: string;
}

let region: Promise<Region> | undefined;

function openRegion(): Promise<Region> {
  return (region ??= startRegion());
}

async function startRegion(): Promise<Region> {
  const kit = await ControlCenterUnderTest.create();
  const center = await kit.start();
  const [meterCode, hubCode, relayCode] = await Promise.all(
    (['meter', 'hub', 'relay'] as const).map(async (role) => (await kit.codes(role, 1))[0]!),
  );
  const meter = new EnrollingMeter('fuzz', kit.publicKey);
  const { publicKey, pin } = linkKeyFromSeed(seedOf('fuzz'));
  const linkKey = toHex(publicKey);
  return {
    kit,
    center,
    meter: JSON.stringify({
      request: textOf(encodeEnrolmentRequest(meter.request(meterCode!))),
      linkKey: toHex(meter.link.publicKey),
    }),
    hub: JSON.stringify({ code: toHex(hubCode!), linkKey, priceKey: toHex(seedOf('price')) }),
    relay: JSON.stringify({
      code: toHex(relayCode!),
      identity: toHex(kit.relays[0]!.identity.publicKey),
      linkPin: toHex(pin),
    }),
  };
}

async function closeRegion(): Promise<void> {
  const opened = region;
  region = undefined;
  if (opened !== undefined) {
    const { kit } = await opened;
    await kit.stop();
    await kit.remove();
  }
}

const ENROLMENT_PATHS = [METER_ENROLMENT_PATH, HUB_ENROLMENT_PATH, RELAY_ENROLMENT_PATH];

/** A request as bytes on the wire. */
const wire = (line: string, ...headers: readonly string[]): Uint8Array =>
  utf8(`${[`${line} HTTP/1.1`, 'host: x', ...headers].join('\r\n')}\r\n\r\n`);
const post = (path: string, body: string): Uint8Array =>
  concatBytes(wire(`POST ${path}`, `content-length: ${Buffer.byteLength(body)}`, 'connection: close'), utf8(body));

/** Enrolment requests at the control center's socket: the first byte chooses the path, the rest is the body. */
const enrolmentBody: FuzzTarget = {
  name: 'enrolment-body',
  async seeds() {
    const { hub, meter } = await openRegion();
    return [concatBytes(Uint8Array.of(1), utf8(hub)), concatBytes(Uint8Array.of(0), utf8(meter))];
  },
  async run(bytes) {
    const { kit } = await openRegion();
    const { enrolmentSocket } = kit.serverConfig;
    const path = ENROLMENT_PATHS[(bytes[0] ?? 0) % ENROLMENT_PATHS.length]!;
    const request = httpRequest({ socketPath: enrolmentSocket!, method: 'POST', path, agent: false });
    request.end(bytes.subarray(1));
    const [response] = (await once(request, 'response')) as [Parameters<typeof readBody>[0]];
    const body = textOf((await readBody(response, 4_000_000)) ?? new Uint8Array());
    if (response.statusCode !== 200 && !(response.statusCode === 403 && /^[A-Z_]{5,30}$/.test(body))) {
      throw new Error(`status ${response.statusCode}: ${body}`);
    }
    return response.statusCode === 200;
  },
  close: closeRegion,
};

/** Bytes at the control center's socket, whatever they are. */
const enrolmentSocket: FuzzTarget = {
  name: 'enrolment-socket',
  async seeds() {
    const { hub, relay } = await openRegion();
    return [post(HUB_ENROLMENT_PATH, hub), post(RELAY_ENROLMENT_PATH, relay)];
  },
  async run(bytes) {
    const { kit } = await openRegion();
    await exchange(connect(kit.serverConfig.enrolmentSocket!), bytes);
    return true;
  },
  close: closeRegion,
};

/** Bytes at the public address of a region: an even first byte sends the rest before any handshake, and hangs up. */
const bulletinFace: FuzzTarget = {
  name: 'bulletin-face',
  async seeds() {
    const { hub } = await openRegion();
    const requests = [wire('GET /parameters.json', 'range: bytes=0-9'), post(HUB_ENROLMENT_PATH, hub)];
    return [...requests.map((bytes) => concatBytes(Uint8Array.of(1), bytes)), Uint8Array.of(0, 22, 3, 1)];
  },
  async run(bytes) {
    const { center } = await openRegion();
    const address = { host: '127.0.0.1', port: center.httpsPort };
    if ((bytes[0] ?? 0) % 2 === 1) {
      await exchange(connectTls({ ...address, rejectUnauthorized: false }), bytes.subarray(1));
      return true;
    }
    const socket = connect(address).on('error', () => undefined);
    await new Promise<void>((resolve) => socket.end(bytes.subarray(1), resolve));
    socket.destroy();
    return true;
  },
  close: closeRegion,
};

const FILE = 'bulletin/test/1384128000/consumption.rows';
const CONTENT = utf8('0123456789'.repeat(10));
let served: Promise<{ readonly root: string; readonly server: Server }> | undefined;

async function serveFiles(): Promise<{ readonly root: string; readonly server: Server }> {
  const root = await mkdtemp(join(tmpdir(), 'gridveil-fuzz-served-'));
  await mkdir(join(root, dirname(FILE)), { recursive: true });
  await writeFile(join(root, FILE), CONTENT);
  // Beside what a bulletin has: no request may come to it.
  await writeFile(join(root, 'secret'), 'secret');
  const files = new ServedFiles(root);
  const server = createHttpServer((request, response: ServerResponse) => {
    const path = (request.url ?? '').slice(1);
    const sent = isBulletinPath(path) ? sendFile(files, path, request, response) : undefined;
    if (sent === undefined) {
      refuse(response, 404, 'NOT_FOUND');
    }
    sent?.catch((error: unknown) => response.end(`fault: ${String(error)}`));
  });
  server.on('clientError', (_error, socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  return { root, server };
}

const STATUS_OF_SERVER = [200, 206, 304, 404, 416];

/**
 * Path and conditions of a request for a file, over a pair of streams: the answer is the part of the file that its
 * headers name, or a refusal.
 */
const bulletinRequest: FuzzTarget = {
  name: 'bulletin-request',
  seeds: () =>
    [
      ['GET', FILE, 'bytes=10-19', '"x"', ''],
      ['GET', FILE, 'bytes=-5', '', ''],
      ['HEAD', FILE, 'bytes=0-', '', '"x"'],
      ['GET', FILE, '', '*', ''],
    ].map((parts) => joinInput(...parts.map(utf8))),
  async run(bytes) {
    const { server } = await (served ??= serveFiles());
    const [method, path, range, ifNoneMatch, ifRange] = splitInput(bytes, 5).map((part) =>
      // What HTTP's parser lets through: other bytes end the connection before any handler.
      Buffer.from(part)
        .toString('latin1')
        .replace(/[^\x21-\x7e\x80-\xff]/g, ''),
    );
    const [one, other] = duplexPair();
    server.emit('connection', one);
    const parts: Buffer[] = [];
    other.on('data', (part: Buffer) => parts.push(part)).on('error', () => undefined);
    const headers = [`range: ${range}`, `if-none-match: ${ifNoneMatch}`, `if-range: ${ifRange}`].filter(
      (line) => !line.endsWith(': '),
    );
    const isHead = method === 'HEAD';
    const head = [`${isHead ? 'HEAD' : 'GET'} /${path} HTTP/1.1`, 'host: x', 'connection: close', ...headers];
    other.write(Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'));
    await once(other, 'end');
    return isAnswer(Buffer.concat(parts), path!, isHead);
  },
  async close() {
    const opened = await served;
    served = undefined;
    if (opened !== undefined) {
      await rm(opened.root, { recursive: true });
    }
  },
};

/** @returns whether the file was answered. @throws for an answer that is not what its headers say */
function isAnswer(answer: Buffer, path: string, isHead: boolean): boolean {
  const text = answer.toString('latin1');
  const body = answer.subarray(text.indexOf('\r\n\r\n') + 4);
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1]);
  if (status === 400) {
    return false; // not a request
  }
  if (!STATUS_OF_SERVER.includes(status)) {
    throw new Error(`bulletin-request: ${text.slice(0, 200)}`);
  }
  if (status === 404 || status === 416) {
    return false;
  }
  const [, first = '0', last = '99'] = /^content-range: bytes (\d+)-(\d+)\/100\r$/m.exec(text) ?? [];
  const expected = status === 304 || isHead ? new Uint8Array() : CONTENT.subarray(Number(first), Number(last) + 1);
  if (path !== FILE || !body.equals(expected)) {
    throw new Error(`bulletin-request: ${status} for ${path}: ${body.toString('latin1')}`);
  }
  return true;
}

let answering: Promise<{ readonly url: string; readonly pin: Uint8Array; close(): void }> | undefined;
/** What the server answers next: the body, and its status. */
let nextAnswer: readonly [status: number, body: Uint8Array] = [200, new Uint8Array()];

async function startAnswering(): Promise<{ readonly url: string; readonly pin: Uint8Array; close(): void }> {
  const { key, certificate } = await identityOf('enrolment');
  const pem = key.privateKey.export({ format: 'pem', type: 'pkcs8' });
  const server = createHttpsServer({ key: pem, cert: certificate }, (request, response) => {
    const [status, body] = nextAnswer;
    request.resume().on('end', () => response.writeHead(status).end(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, pin: key.pin, close: () => (server.closeAllConnections(), void server.close()) };
}

/** What a control center may answer to who enrols: the first byte chooses the request and the status. */
const enrolmentAnswer: FuzzTarget = {
  name: 'enrolment-answer',
  seeds: () => [
    concatBytes(Uint8Array.of(0), utf8('{"certificate":"PEM","parameters":"00"}')),
    concatBytes(
      Uint8Array.of(1),
      utf8('{"certificate":"","connectionLimitWatts":1,"firstEpoch":0,"meterNumber":7,"parameters":""}'),
    ),
    concatBytes(Uint8Array.of(2), utf8('{"layer":1,"operator":"household-7"}')),
  ],
  async run(bytes) {
    const address = await (answering ??= startAnswering());
    const choice = bytes[0] ?? 0;
    nextAnswer = [choice < 192 ? 200 : 403, bytes.subarray(1)];
    const secret = seedOf('fuzz');
    const ask = [
      () => enrolHub(address, secret.subarray(16), secret, secret),
      () => enrol(address, NO_REQUEST, secret),
      () => enrolRelay(address, secret.subarray(16), secret, secret),
    ][choice % 3]!;
    return attemptAsync(ask);
  },
  async close() {
    (await answering)?.close();
    answering = undefined;
  },
};

const NO_REQUEST = {
  code: new Uint8Array(16),
  publicKey: new Uint8Array(32),
  linkPin: new Uint8Array(32),
  sealedKey: new Uint8Array(80),
  proof: new Uint8Array(32),
};

/** What listens on the network, given bytes over real connections or pairs of streams, and what listens to answers. */
export const targets: readonly FuzzTarget[] = [
  links,
  bulletinRequest,
  bulletinFace,
  enrolmentBody,
  enrolmentSocket,
  enrolmentAnswer,
];
