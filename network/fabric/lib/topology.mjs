// SPDX-License-Identifier: Apache-2.0
// Turns network/topology.json into what Fabric's own tools read. Built-ins only: operators run it without installing anything.
//
//   node topology.mjs nodes <raft|bft> [operators]   a line per process: kind, name, mspId, domain, host, ports
//   node topology.mjs cryptogen <raft|bft> [operators]   crypto-config.yaml for cryptogen
//   node topology.mjs configtx <raft|bft> <orgsDir> <capability>   configtx.yaml for configtxgen
//   node topology.mjs profiles <orgsDir> [operators] writes connection-<org>.json beside each organisation's MSP
//   node topology.mjs cas <raft|bft> [operators]     a line per organisation: peer|orderer, mspId, domain, caPort
//   node topology.mjs identities <raft|bft> <domain> a line per identity: folder, name, type, host (- for users)
//   node topology.mjs organizations [operators] | channels | chaincodes | value <dotted.path>
//
// operators: names of organisations, comma separated; only what they run on their own machines. Default: everything.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const topologyPath =
  process.env.GRIDVEIL_TOPOLOGY ?? join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'topology.json');
const topology = JSON.parse(readFileSync(topologyPath, 'utf8'));
const { organizations, ordering, channels, chaincodes, policies } = topology;

/** An operator runs the peers of its organisation and the orderers entrusted to it. */
const runs = (operators, name) => operators === undefined || operators.split(',').includes(name);

const peerOrganizations = (operators) => organizations.filter((org) => runs(operators, org.name));

/** Orderer organisations that hold at least one consenter of this consensus, with those orderers only. */
function ordererOrganizations(consensus, operators) {
  const names = new Set(ordering.consenters[consensus]);
  return ordering.organizations
    .filter((org) => runs(operators, org.operator))
    .map((org) => ({ ...org, orderers: org.orderers.filter((orderer) => names.has(`${orderer.name}.${org.domain}`)) }))
    .filter((org) => org.orderers.length > 0);
}

function nodeLines(consensus, operators) {
  const lines = [];
  for (const org of ordererOrganizations(consensus, operators)) {
    for (const o of org.orderers) {
      lines.push([
        'orderer',
        `${o.name}.${org.domain}`,
        org.mspId,
        org.domain,
        o.host,
        o.port,
        o.adminPort,
        o.operationsPort,
      ]);
    }
  }
  for (const org of peerOrganizations(operators)) {
    for (const p of org.peers) {
      const fields = [p.host, p.port, p.chaincodePort, p.operationsPort, p.chaincodeBasePort ?? '-'];
      lines.push(['peer', `${p.name}.${org.domain}`, org.mspId, org.domain, ...fields]);
    }
  }
  return lines.map((fields) => fields.join(' '));
}

const sans = (host) => [...new Set(['localhost', '127.0.0.1', host])];

/** Hosts that get TLS certificates for the link between CC's peers and their chaincode servers, without a Fabric identity. */
function chaincodeHosts(org) {
  const hosts = org.peers.filter((peer) => peer.chaincodeBasePort).map((peer) => peer.host);
  if (hosts.length === 0) return [];
  return [
    { Hostname: 'chaincode-server', SANS: [...new Set(['localhost', '127.0.0.1', ...hosts])] },
    { Hostname: 'chaincode-client', SANS: ['localhost'] },
  ];
}

function caLines(consensus, operators) {
  const line = (kind) => (org) => [kind, org.mspId, org.domain, org.caPort].join(' ');
  return [
    ...ordererOrganizations(consensus, operators).map(line('orderer')),
    ...peerOrganizations(operators).map(line('peer')),
  ];
}

/** Identities that fabric-ca certifies for one organisation; the types are Fabric's NodeOUs. */
function identityLines(consensus, domain) {
  const orderers = ordererOrganizations(consensus).find((org) => org.domain === domain)?.orderers ?? [];
  const org = organizations.find((candidate) => candidate.domain === domain);
  const users = Array.from({ length: org?.users ?? 0 }, (_, index) => [
    'users',
    `User${index + 1}@${domain}`,
    'client',
    '-',
  ]);
  return [
    ...orderers.map((orderer) => ['orderers', `${orderer.name}.${domain}`, 'orderer', orderer.host]),
    ...(org?.peers ?? []).map((peer) => ['peers', `${peer.name}.${domain}`, 'peer', peer.host]),
    ...(org ? chaincodeHosts(org) : []).map((spec) => ['peers', `${spec.Hostname}.${domain}`, 'tls', spec.SANS.at(-1)]),
    ...users,
    ['users', `Admin@${domain}`, 'admin', '-'],
  ].map((fields) => fields.join(' '));
}

function cryptogenConfig(consensus, operators) {
  // JSON is YAML: no template text, no quoting rules.
  return {
    OrdererOrgs: ordererOrganizations(consensus, operators).map((org) => ({
      Name: org.name,
      Domain: org.domain,
      EnableNodeOUs: true,
      Specs: org.orderers.map((orderer) => ({ Hostname: orderer.name, SANS: sans(orderer.host) })),
    })),
    PeerOrgs: peerOrganizations(operators).map((org) => ({
      Name: org.name,
      Domain: org.domain,
      EnableNodeOUs: true,
      Specs: [...org.peers.map((peer) => ({ Hostname: peer.name, SANS: sans(peer.host) })), ...chaincodeHosts(org)],
      Users: { Count: org.users },
    })),
  };
}

const signature = (rule) => ({ Type: 'Signature', Rule: rule });
const anyOf = (name) => ({ Type: 'ImplicitMeta', Rule: `ANY ${name}` });

/** Host name under which other nodes reach a node; with containers it differs from the one that this machine uses. */
const reachedAt = ({ host, networkHost }) => networkHost ?? host;

function peerOrganization(org, orgsDir) {
  const id = org.mspId;
  return {
    Name: id,
    ID: id,
    MSPDir: join(orgsDir, 'peerOrganizations', org.domain, 'msp'),
    Policies: {
      Readers: signature(`OR('${id}.admin', '${id}.peer', '${id}.client')`),
      Writers: signature(`OR('${id}.admin', '${id}.client')`),
      Admins: signature(`OR('${id}.admin')`),
      Endorsement: signature(`OR('${id}.peer')`),
    },
    AnchorPeers: org.peers.slice(0, 1).map((peer) => ({ Host: reachedAt(peer), Port: peer.port })),
  };
}

function ordererOrganization(org, orgsDir) {
  const id = org.mspId;
  return {
    Name: id,
    ID: id,
    MSPDir: join(orgsDir, 'ordererOrganizations', org.domain, 'msp'),
    Policies: {
      Readers: signature(`OR('${id}.member')`),
      Writers: signature(`OR('${id}.member')`),
      Admins: signature(`OR('${id}.admin')`),
    },
    OrdererEndpoints: org.orderers.map((orderer) => `${reachedAt(orderer)}:${orderer.port}`),
  };
}

function consenters(consensus, orgsDir) {
  return ordererOrganizations(consensus).flatMap((org) =>
    org.orderers.map((orderer) => {
      const dir = join(orgsDir, 'ordererOrganizations', org.domain, 'orderers', `${orderer.name}.${org.domain}`);
      const tls = { ClientTLSCert: join(dir, 'tls', 'server.crt'), ServerTLSCert: join(dir, 'tls', 'server.crt') };
      const signcerts = join(dir, 'msp', 'signcerts'); // one certificate, named by cryptogen or fabric-ca
      const identity = join(signcerts, readdirSync(signcerts)[0]);
      return { Host: reachedAt(orderer), Port: orderer.port, MSPID: org.mspId, Identity: identity, ...tls };
    }),
  );
}

function ordererSection(consensus, orgsDir) {
  const members = consenters(consensus, orgsDir);
  const consensusSection =
    consensus === 'bft'
      ? {
          OrdererType: 'BFT',
          SmartBFT: {
            RequestBatchMaxCount: ordering.maxMessageCount,
            RequestBatchMaxBytes: ordering.absoluteMaxBytes,
            RequestBatchMaxInterval: `${ordering.batchTimeoutMilliseconds}ms`,
            RequestForwardTimeout: '2s',
            RequestComplainTimeout: '10s',
            RequestAutoRemoveTimeout: '3m0s',
            ViewChangeResendInterval: '5s',
            ViewChangeTimeout: '20s',
            LeaderHeartbeatTimeout: '10s',
            CollectTimeout: '1s',
            IncomingMessageBufferSize: 200,
            RequestPoolSize: 100000,
            LeaderHeartbeatCount: 10,
          },
          ConsenterMapping: members.map((member, index) => ({ ID: index + 1, ...member })),
        }
      : {
          OrdererType: 'etcdraft',
          EtcdRaft: {
            Consenters: members.map(({ Host, Port, ClientTLSCert, ServerTLSCert }) => ({
              Host,
              Port,
              ClientTLSCert,
              ServerTLSCert,
            })),
            // short ticks: a new leader is elected within about two seconds after the old one failed
            Options: {
              TickInterval: '100ms',
              ElectionTick: 10,
              HeartbeatTick: 1,
              MaxInflightBlocks: 5,
              SnapshotIntervalSize: '20 MB',
            },
          },
        };
  return {
    ...consensusSection,
    BatchTimeout: `${ordering.batchTimeoutMilliseconds}ms`,
    BatchSize: {
      MaxMessageCount: ordering.maxMessageCount,
      AbsoluteMaxBytes: ordering.absoluteMaxBytes,
      PreferredMaxBytes: ordering.preferredMaxBytes,
    },
    Organizations: ordererOrganizations(consensus).map((org) => ordererOrganization(org, orgsDir)),
    Policies: {
      Readers: anyOf('Readers'),
      Writers: anyOf('Writers'),
      // batch sizes and consenters are channel rules too: no organisation changes them alone
      Admins: signature(policies.admins),
      BlockValidation: anyOf('Writers'),
    },
    Capabilities: { V2_0: true },
  };
}

function configtx(consensus, orgsDir, channelCapability) {
  const profile = (channel) => ({
    Policies: { Readers: anyOf('Readers'), Writers: anyOf('Writers'), Admins: signature(policies.admins) },
    Capabilities: { [channelCapability]: true },
    Orderer: ordererSection(consensus, orgsDir),
    Application: {
      Organizations: organizations
        .filter((org) => channel.members.includes(org.mspId))
        .map((org) => peerOrganization(org, orgsDir)),
      Policies: {
        Readers: anyOf('Readers'),
        Writers: anyOf('Writers'),
        Admins: signature(policies.admins),
        LifecycleEndorsement: signature(policies.lifecycle),
        Endorsement: signature(policies.endorsement),
      },
      Capabilities: { V2_5: true },
    },
  });
  return { Profiles: Object.fromEntries(channels.map((channel) => [channel.name, profile(channel)])) };
}

/** Fabric's common connection profile, as fabric-samples' test-network writes it, one file per organisation. */
function connectionProfile(org, orgsDir) {
  const tlsCa = readFileSync(
    join(orgsDir, 'peerOrganizations', org.domain, 'tlsca', `tlsca.${org.domain}-cert.pem`),
    'utf8',
  );
  const peers = org.peers.map((peer) => [
    `${peer.name}.${org.domain}`,
    {
      url: `grpcs://${peer.host}:${peer.port}`,
      tlsCACerts: { pem: tlsCa },
      grpcOptions: {
        'ssl-target-name-override': `${peer.name}.${org.domain}`,
        hostnameOverride: `${peer.name}.${org.domain}`,
      },
    },
  ]);
  return {
    name: `gridveil-${org.name.toLowerCase()}`,
    version: '1.0.0',
    client: { organization: org.name, connection: { timeout: { peer: { endorser: '300' } } } },
    organizations: { [org.name]: { mspid: org.mspId, peers: peers.map(([name]) => name) } },
    peers: Object.fromEntries(peers),
  };
}

function writeProfiles(orgsDir, operators) {
  for (const org of peerOrganizations(operators)) {
    const path = join(orgsDir, 'peerOrganizations', org.domain, `connection-${org.name.toLowerCase()}.json`);
    writeFileSync(path, `${JSON.stringify(connectionProfile(org, orgsDir), null, 2)}\n`);
  }
}

const [verb, ...args] = process.argv.slice(2);
const print = (value) =>
  process.stdout.write(`${typeof value === 'string' ? value : JSON.stringify(value, null, 2)}\n`);
switch (verb) {
  case 'nodes':
    print(nodeLines(args[0], args[1]).join('\n'));
    break;
  case 'cas':
    print(caLines(args[0], args[1]).join('\n'));
    break;
  case 'identities':
    print(identityLines(args[0], args[1]).join('\n'));
    break;
  case 'cryptogen':
    print(cryptogenConfig(args[0], args[1]));
    break;
  case 'configtx':
    print(configtx(args[0], args[1], args[2]));
    break;
  case 'profiles':
    writeProfiles(args[0], args[1]);
    break;
  case 'channels':
    print(channels.map((channel) => channel.name).join('\n'));
    break;
  case 'organizations':
    print(
      peerOrganizations(args[0])
        .map((org) => [org.name, org.mspId, org.domain].join(' '))
        .join('\n'),
    );
    break;
  case 'chaincodes':
    print(
      chaincodes.map((chaincode) => [chaincode.name, chaincode.channel, chaincode.portOffset].join(' ')).join('\n'),
    );
    break;
  case 'value':
    print(String(args[0].split('.').reduce((value, key) => value?.[key], topology)));
    break;
  default:
    process.stderr.write(`topology.mjs: unknown verb ${verb}\n`);
    process.exit(2);
}
