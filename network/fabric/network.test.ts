// SPDX-License-Identifier: Apache-2.0
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { NETWORK_FOLDER } from '../topology/topology.js';
import { FabricNetwork } from './fabric-network.js';

const NETWORK = NETWORK_FOLDER;
const ROOT = dirname(NETWORK);
const FOLDER = join(NETWORK, 'fabric');
const BINARIES = ['peer', 'orderer', 'osnadmin', 'cryptogen', 'configtxgen'];

// Refusals and results of the scripts before any binary of Fabric runs; the ledger tests run them with Fabric.
describe('network/fabric', function () {
  this.timeout(20_000);
  const scratch = mkdtempSync(join(tmpdir(), 'gridveil-network-'));
  before(function () {
    if (spawnSync('bash', ['--version']).status !== 0) {
      this.skip();
    }
  });
  after(() => rmSync(scratch, { recursive: true, force: true }));

  /** A folder with stubs of Fabric's programs. */
  const fakeBinaries = (version: string): string => {
    const folder = join(scratch, version, 'bin');
    mkdirSync(folder, { recursive: true });
    mkdirSync(join(scratch, version, 'config'), { recursive: true });
    writeFileSync(join(scratch, version, 'config', 'core.yaml'), '');
    for (const name of BINARIES) {
      writeFileSync(join(folder, name), `#!/bin/sh\necho " Version: ${version}"\n`);
      chmodSync(join(folder, name), 0o755);
    }
    return folder;
  };

  const script = (args: readonly string[], environment: NodeJS.ProcessEnv = {}): SpawnSyncReturns<string> => {
    const env: NodeJS.ProcessEnv = { ...process.env, GRIDVEIL_FABRIC_DIR: join(scratch, 'state') };
    delete env['FABRIC_BIN'];
    delete env['FABRIC_CFG_PATH'];
    Object.assign(env, environment);
    return spawnSync(join(FOLDER, 'network.sh'), args, { env, encoding: 'utf8' });
  };

  const refused = (result: SpawnSyncReturns<string>, code: string): void => {
    assert.match(result.stderr, new RegExp(`^network.sh: ${code}: `, 'm'));
    assert.equal(result.status, 1);
    assert.ok(!existsSync(join(scratch, 'state')), 'nothing was written');
  };

  it('prints its usage, and exits with 2 for wrong use', () => {
    assert.equal(script(['-h']).status, 0);
    for (const args of [[], ['start'], ['up', '-c'], ['up', '-ccv', 'a b'], ['deployCC', '-ccs', '0']]) {
      const { status, stderr } = script(args);
      assert.equal(status, 2, args.join(' '));
      assert.match(stderr, /Usage: network\.sh/);
    }
  });

  it('prereq says where the binaries come from', () => {
    const { status, stdout } = script(['prereq']);
    assert.equal(status, 0);
    assert.match(stdout, /install-fabric\.sh/);
  });

  it('a missing binary is an error before anything starts', function () {
    const PATH = [dirname(process.execPath), '/usr/bin', '/bin'].join(':');
    if (FabricNetwork.missingBinaries({ PATH }).length === 0) {
      this.skip();
    }
    refused(script(['up'], { PATH }), 'MISSING_BINARY');
  });

  it('so are versions of Fabric that it does not know, and BFT on Fabric 2', () => {
    refused(script(['up'], { FABRIC_BIN: fakeBinaries('v2.2.15') }), 'UNSUPPORTED_VERSION');
    refused(script(['up', '-bft'], { FABRIC_BIN: fakeBinaries('v2.5.16') }), 'NEEDS_FABRIC_3');
  });

  it('so is a port that is in use', async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as { port: number };
    const topology = JSON.parse(readFileSync(join(NETWORK, 'topology.json'), 'utf8')) as {
      organizations: { peers: { operationsPort: number }[] }[];
    };
    topology.organizations[2]!.peers[0]!.operationsPort = port;
    const path = join(scratch, 'topology.json');
    writeFileSync(path, JSON.stringify(topology));
    const result = script(['up'], { FABRIC_BIN: fakeBinaries('v3.1.5'), GRIDVEIL_TOPOLOGY: path });
    refused(result, 'PORT_TAKEN');
    assert.match(result.stderr, new RegExp(`127\\.0\\.0\\.1:${port} \\(peer0\\.consumers\\.example\\.com\\)`));
    server.close();
  });

  it('modes that need a network refuse without one; down has nothing to do', () => {
    const FABRIC_BIN = fakeBinaries('v3.1.5');
    refused(script(['createChannel'], { FABRIC_BIN }), 'NOT_UP');
    refused(script(['deployCC'], { FABRIC_BIN }), 'NO_CHANNEL');
    refused(script(['restart'], { FABRIC_BIN }), 'NOT_UP');
    assert.deepEqual([script(['status']).status, script(['status']).stderr], [1, '']);
    assert.equal(script(['down', 'down']).status, 0);
  });

  it('down signals no process that a stale pid file names, and continues where it was interrupted', () => {
    const folder = join(scratch, 'with blanks');
    const stranger = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)']);
    mkdirSync(join(folder, 'pids'), { recursive: true });
    writeFileSync(join(folder, 'pids', 'peer0.pid'), `${stranger.pid}\n${join(folder, 'bin', 'peer0')}\n`);
    writeFileSync(join(folder, 'consensus'), 'raft');
    const down = script(['down'], { GRIDVEIL_FABRIC_DIR: folder });
    assert.deepEqual([down.status, down.stderr], [0, 'down: all processes are stopped, all files removed\n']);
    assert.equal(stranger.exitCode ?? stranger.signalCode, null);
    stranger.kill();
    assert.ok(!existsSync(folder));
  });

  it('down removes no folder that is not its own', () => {
    const folder = join(scratch, 'precious');
    mkdirSync(folder);
    writeFileSync(join(folder, 'file'), 'content');
    const result = script(['down'], { GRIDVEIL_FABRIC_DIR: folder });
    assert.match(result.stderr, /NOT_OURS/);
    assert.equal(result.status, 1);
    assert.equal(readFileSync(join(folder, 'file'), 'utf8'), 'content');
  });

  it('packages of the same content are the same bytes', () => {
    const pem = join(scratch, 'any.pem');
    writeFileSync(pem, 'PEM');
    const make = (name: string): Buffer => {
      const file = join(scratch, name);
      const args = [join(FOLDER, 'lib', 'package.mjs'), file, 'label_1.0', '1', pem, pem, pem];
      assert.equal(spawnSync(process.execPath, args).status, 0);
      return readFileSync(file);
    };
    assert.deepEqual(make('one.tar.gz'), make('two.tar.gz'));
    const listed = spawnSync('tar', ['-tzf', join(scratch, 'one.tar.gz')], { encoding: 'utf8' });
    assert.equal(listed.stdout, 'metadata.json\ncode.tar.gz\n');
  });

  it('certificates that end soon are named, and an ended one is a failure', async () => {
    const folder = join(scratch, 'certificates');
    mkdirSync(join(folder, 'msp'), { recursive: true });
    const check = (): SpawnSyncReturns<string> =>
      spawnSync(process.execPath, [join(FOLDER, 'lib', 'certificates.mjs'), folder, '30'], { encoding: 'utf8' });
    writeFileSync(join(folder, 'msp', 'long-cert.pem'), await certificate(400));
    assert.deepEqual([check().status, check().stdout], [0, '']);
    writeFileSync(join(folder, 'msp', 'soon-cert.pem'), await certificate(10));
    const warned = check();
    assert.equal(warned.status, 0);
    assert.match(warned.stdout, /^certificate ends in (9|10) days: .*soon-cert\.pem\n$/);
    writeFileSync(join(folder, 'msp', 'server.crt'), await certificate(-1));
    const failed = check();
    assert.equal(failed.status, 1);
    assert.match(failed.stdout, /^certificate ENDED: .*server\.crt$/m);
  });

  it('every script passes shellcheck', function () {
    if (spawnSync('shellcheck', ['--version']).status !== 0) {
      this.skip();
    }
    const scripts = ['network', 'scripts', '.ci'].flatMap((folder) => shellScripts(join(ROOT, folder)));
    assert.ok(scripts.length >= 11);
    const { status, stdout } = spawnSync('shellcheck', scripts, { cwd: ROOT, encoding: 'utf8' });
    assert.equal(status, 0, stdout);
  });
});

/** A self-signed certificate that ends so many days from now. */
async function certificate(days: number): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify']);
  const end = new Date(performance.timeOrigin + performance.now() + days * 86_400_000);
  const notBefore = new Date(end.getTime() - 1_000 * 86_400_000);
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=test',
    notBefore,
    notAfter: end,
    keys,
    signingAlgorithm: algorithm,
  });
  return made.toString('pem');
}

function shellScripts(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes('node_modules'))
    .filter((path) => path.endsWith('.sh') || /^#!.*\b(ba)?sh\n/.test(readFileSync(path, 'latin1').slice(0, 40)));
}
