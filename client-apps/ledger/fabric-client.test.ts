// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { connectLedger, type LedgerClient } from './fabric-client.js';
import { DEFAULT_PATIENCE } from './patience.js';

const PATIENCE = { ...DEFAULT_PATIENCE, totalMilliseconds: 400 };

describe('a client of a ledger that gives no answer', () => {
  const directory = mkdtempSync(join(tmpdir(), 'gridveil-client-'));
  let client: LedgerClient;
  let address: string;
  let lines: Record<string, unknown>[];
  const file = (name: string, content: string): string => {
    const path = join(directory, name);
    writeFileSync(path, content);
    return path;
  };

  before(async () => {
    address = `127.0.0.1:${await deadPort()}`;
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const profile = {
      client: { organization: 'Org2' },
      organizations: { Org2: { mspid: 'Org2MSP', peers: ['peer0'] } },
      peers: { peer0: { url: `grpc://${address}` } },
    };
    const identity = {
      mspId: 'Org2MSP',
      certificatePath: file('certificate', 'any'),
      keyPath: file('key', String(privateKey.export({ type: 'pkcs8', format: 'pem' }))),
    };
    const log = pino({ base: {} }, { write: (line: string) => void lines.push(JSON.parse(line) as object as never) });
    const profilePath = file('connection-org2.json', JSON.stringify(profile));
    client = connectLedger(profilePath, identity, { patience: PATIENCE, log, environment: {} });
  });
  beforeEach(() => (lines = []));
  after(() => {
    client.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('says so at once, with channel, peer, profile, the words of the connection and the likely cause', async () => {
    const unavailable = { code: 'UNAVAILABLE' };
    await assert.rejects(client.evaluate('pricing', 'GetLatestSeal', ['r']), unavailable);
    assert.equal(lines.length, 1, 'it asks several times meanwhile');
    const [line] = lines;
    assert.equal(line!['level'], 40);
    assert.equal(line!['msg'], 'ledger, query on pricing: no answer yet, retrying');
    assert.deepEqual(
      [line!['channel'], line!['peer'], line!['profile']],
      ['pricing', address, join(directory, 'connection-org2.json')],
    );
    assert.match(line!['reason'] as string, /14 UNAVAILABLE.*\(likely cause: no peer listens at this address\)$/);
    await assert.rejects(client.submit('billing', 'PutSeal', ['{}']), unavailable);
    assert.equal(lines.length, 2, 'of another request');
  });

  it('says nothing when it was closed', async () => {
    const asked = client.evaluate('consumption', 'GetLatestSeal', ['r']);
    client.close();
    await assert.rejects(asked, (error: { code: string }) => ['CLOSED', 'UNAVAILABLE'].includes(error.code));
    assert.deepEqual(lines, []);
  });
});

/** A port on which nobody listens. */
function deadPort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
