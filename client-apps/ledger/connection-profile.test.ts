// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCredentials, readGatewayEndpoints } from './connection-profile.js';

/** As fabric-samples' test-network writes it, and the parts that a gateway client does not read. */
const TEST_NETWORK_PROFILE = {
  name: 'test-network-org1',
  version: '1.0.0',
  client: { organization: 'Org1', connection: { timeout: { peer: { endorser: '300' } } } },
  organizations: {
    Org1: { mspid: 'Org1MSP', peers: ['peer0.org1.example.com'], certificateAuthorities: ['ca.org1.example.com'] },
  },
  peers: {
    'peer0.org1.example.com': {
      url: 'grpcs://localhost:7051',
      tlsCACerts: { pem: '-----BEGIN CERTIFICATE-----\nX\n-----END CERTIFICATE-----\n' },
      grpcOptions: {
        'ssl-target-name-override': 'peer0.org1.example.com',
        hostnameOverride: 'peer0.org1.example.com',
      },
    },
  },
  certificateAuthorities: { 'ca.org1.example.com': { url: 'https://localhost:7054', httpOptions: { verify: false } } },
};

const TWO_PEERS = {
  ...TEST_NETWORK_PROFILE,
  organizations: { Org1: { mspid: 'Org1MSP', peers: ['peer1.org1.example.com', 'peer0.org1.example.com'] } },
  peers: {
    ...TEST_NETWORK_PROFILE.peers,
    'peer1.org1.example.com': {
      ...TEST_NETWORK_PROFILE.peers['peer0.org1.example.com'],
      url: 'grpcs://localhost:8051',
    },
  },
};

describe('connection profile', () => {
  const directory = mkdtempSync(join(tmpdir(), 'gridveil-profile-'));
  const write = (name: string, content: unknown): string => {
    const path = join(directory, name);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };
  const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

  after(() => rmSync(directory, { recursive: true, force: true }));

  it("reads the peers of the client's organisation, in its order", () => {
    const addresses = readGatewayEndpoints(write('two.json', TWO_PEERS), {}).map(({ address }) => address);
    assert.deepEqual(addresses, ['localhost:8051', 'localhost:7051']);
  });

  it('reads where a peer is, and how to know it', () => {
    const [endpoint] = readGatewayEndpoints(write('org1.json', TEST_NETWORK_PROFILE), {});
    assert.ok(endpoint);
    assert.equal(endpoint.address, 'localhost:7051');
    assert.equal(endpoint.hostAlias, 'peer0.org1.example.com');
    assert.match(text(endpoint.tlsRootCertificates), /BEGIN CERTIFICATE/);
  });

  it("lets the environment of fabric-samples' applications override it", () => {
    const environment = {
      PEER_ENDPOINT: 'peer.example.org:9999',
      PEER_HOST_ALIAS: 'alias',
      TLS_CERT_PATH: write('tls.pem', 'other CA'),
    };
    const [endpoint, ...others] = readGatewayEndpoints(write('org1.json', TWO_PEERS), environment);
    assert.ok(endpoint);
    assert.deepEqual(others, []);
    assert.equal(endpoint.address, 'peer.example.org:9999');
    assert.equal(endpoint.hostAlias, 'alias');
    assert.equal(text(endpoint.tlsRootCertificates), 'other CA');
  });

  it('finds certificate paths relative to the profile, and certificates given as a list', () => {
    write('ca.pem', 'CA by path');
    const withCertificates = (tlsCACerts: unknown): string =>
      write('variant.json', {
        ...TEST_NETWORK_PROFILE,
        peers: { 'peer0.org1.example.com': { url: 'grpcs://localhost:1', tlsCACerts } },
      });
    const [byPath] = readGatewayEndpoints(withCertificates({ path: 'ca.pem' }), {});
    assert.equal(text(byPath?.tlsRootCertificates), 'CA by path');
    assert.equal(byPath?.hostAlias, undefined);
    const [byList] = readGatewayEndpoints(withCertificates({ pem: ['one', 'two'] }), {});
    assert.equal(text(byList?.tlsRootCertificates), 'one\ntwo');
  });

  it('refuses what it cannot use, and says why', () => {
    const refused: [unknown, RegExp][] = [
      ['{', /not a readable JSON/],
      [{ ...TEST_NETWORK_PROFILE, client: { organization: 'Org2' } }, /no peer of organisation Org2/],
      [{ ...TEST_NETWORK_PROFILE, organizations: undefined }, /organizations/],
      [{ ...TEST_NETWORK_PROFILE, peers: {} }, /peer0.org1.example.com is named but not described/],
      [{ ...TEST_NETWORK_PROFILE, peers: { 'peer0.org1.example.com': { url: 'http://x:1' } } }, /grpcs:/],
      [{ ...TEST_NETWORK_PROFILE, peers: { 'peer0.org1.example.com': { url: 'grpcs://x:1' } } }, /no tlsCACerts/],
    ];
    for (const [content, message] of refused) {
      const error = { code: 'PROFILE_INVALID', message };
      assert.throws(() => readGatewayEndpoints(write('bad.json', content), {}), error);
    }
    assert.throws(() => readGatewayEndpoints(join(directory, 'none.json'), {}), { code: 'PROFILE_INVALID' });
  });

  it('reads credentials from files, or from directories that hold one file', () => {
    mkdirSync(join(directory, 'keystore'));
    write('keystore/abc_sk', 'the key');
    const identity = {
      mspId: 'Org1MSP',
      certificatePath: write('cert.pem', 'the certificate'),
      keyPath: join(directory, 'keystore'),
    };
    const credentials = readCredentials(identity, {});
    assert.equal(credentials.privateKeyPem, 'the key');
    assert.equal(text(credentials.certificate), 'the certificate');
    const overridden = readCredentials(identity, { MSP_ID: 'X', CERT_PATH: write('other.pem', 'other') });
    assert.equal(overridden.mspId, 'X');
    assert.equal(text(overridden.certificate), 'other');
    write('keystore/second_sk', 'which?');
    assert.throws(() => readCredentials(identity, {}), { code: 'PROFILE_INVALID', message: /exactly one file/ });
  });
});
