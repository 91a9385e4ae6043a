// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { concatBytes, equalBytes, toHex } from '../../../protocol/crypto/bytes.js';
import { consumerConfig, consumerHostConfig } from '../../../client-apps/consumer/config.js';
import { controlCenterConfig } from '../../../client-apps/control-center/config.js';
import { readGatewayEndpoints } from '../../../client-apps/ledger/connection-profile.js';
import { meterConfig, meterHostConfig } from '../../../client-apps/meter/config.js';
import { loadReadings } from '../../../client-apps/readings/load.js';
import { placedRelayConfig, relayConfig } from '../../../client-apps/relay/config.js';
import { HeldFile } from '../../../client-apps/relay/packets/held-file.js';
import { ReplayStore } from '../../../client-apps/relay/packets/replay-store.js';
import { loadConfig } from '../../../client-apps/runtime/config.js';
import { FileKey, SealedFile } from '../../../client-apps/runtime/sealed-file.js';
import { serviceProviderConfig, tariffFile } from '../../../client-apps/service-provider/config.js';
import { defaultTopologyPath, readTopology } from '../../../network/topology/topology.js';
import { fixedSecret } from '../../support/onion.js';
import { utf8, type FuzzTarget } from '../input.js';
import { attemptAsync, isRefusal } from '../target.js';

const secret = fixedSecret('fuzz');
const fileKey = new FileKey(secret.slice(), 'test', 'fuzz');
const hex = toHex(secret);

const scratch = mkdtempSync(join(tmpdir(), 'gridveil-fuzz-files-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
const file = join(scratch, 'input');

/** The reader of a file that an operator or another program wrote. */
function fileTarget(name: string, seeds: readonly string[], read: (path: string) => unknown): FuzzTarget {
  return {
    name,
    seeds: () => seeds.map(utf8),
    run(bytes) {
      writeFileSync(file, bytes);
      return attemptAsync(() => read(file));
    },
  };
}

const CONFIGURATIONS = [
  relayConfig,
  placedRelayConfig,
  meterConfig,
  meterHostConfig,
  consumerConfig,
  consumerHostConfig,
  serviceProviderConfig,
  tariffFile,
  controlCenterConfig,
] as const;

/** A configuration of any party; accepted when one of them can have it. */
async function loadAnyConfig(path: string): Promise<void> {
  const loaded = CONFIGURATIONS.map((schema) => loadConfig<unknown>(schema, path));
  const refused = (await Promise.allSettled(loaded)).filter((result) => result.status === 'rejected');
  const fault = refused.find(({ reason }) => !isRefusal(reason)) ?? refused[CONFIGURATIONS.length - 1];
  if (fault !== undefined) {
    throw fault.reason;
  }
}

/** What a relay kept over a restart, under its own key: only the reader of the plaintext is tried. */
const heldFile: FuzzTarget = {
  name: 'held-file',
  seeds: async () => {
    const held = {
      packets: [
        {
          dueMilliseconds: 5,
          epoch: 3,
          sender: 0,
          route: { to: 'relay', relay: 2 } as const,
          packet: new Uint8Array(9),
        },
        {
          dueMilliseconds: 6,
          epoch: 3,
          sender: 0,
          route: { to: 'control-center' } as const,
          packet: new Uint8Array(9),
        },
        {
          dueMilliseconds: 7,
          epoch: 3,
          sender: 0,
          route: { to: 'mailbox', mailbox: secret.subarray(0, 8) } as const,
          packet: secret,
        },
      ],
      mailboxes: new Map([['0102030405060708', { firstNumber: 4n, packets: [new Uint8Array(699)] }]]),
    };
    await new HeldFile(file, fileKey).save(held);
    return [(await new SealedFile(file, fileKey).read())!];
  },
  async run(bytes) {
    await new SealedFile(file, fileKey).write(bytes);
    const held = new HeldFile(file, fileKey);
    return attemptAsync(async () => {
      await held.save(await held.take());
      if (!equalBytes((await new SealedFile(file, fileKey).read())!, bytes)) {
        throw new Error('held packets with a second encoding were accepted');
      }
    });
  },
};

/** Tags on disk, in whatever state a crash or a disk left them. */
const replayStore: FuzzTarget = {
  name: 'replay-store',
  seeds: () => [concatBytes(secret, secret.subarray(0, 8)), new Uint8Array(0), secret.subarray(0, 13)],
  async run(bytes) {
    writeFileSync(file, bytes);
    const store = await ReplayStore.open(file, secret, 16);
    const { size } = store;
    const tag = store.tag(secret);
    store.add(tag);
    await store.close();
    const again = await ReplayStore.open(file, secret, 16);
    await again.close();
    if (!again.has(tag) || again.size < size) {
      throw new Error('a tag was forgotten');
    }
    return true;
  },
};

const profile = {
  client: { organization: 'CC' },
  organizations: { CC: { mspid: 'ControlCenterMSP', peers: ['peer0'] } },
  peers: { peer0: { url: 'grpcs://localhost:7051', tlsCACerts: { pem: 'PEM' }, grpcOptions: {} } },
};
const center = { url: 'https://localhost:1', pin: hex };
const configurations = [
  { points: [{ perMeterMilliWattHours: '0', priceNanoPerKilowattHour: '1000' }] },
  {
    directory: 'd',
    region: 'london',
    operator: 'one',
    layer: 1,
    links: { host: 'localhost', port: 0, address: 'localhost:1' },
    controlCenter: { ...center, linkAddress: 'localhost:1', linkPin: hex },
    trustAnchor: hex,
  },
  {
    region: 'london',
    controlCenter: center,
    directory: 'd',
    enrolmentCode: hex.slice(32),
    readings: { file: 'f', household: 'h' },
    hub: { publicKey: hex, pairingKey: hex, mailboxRelay: 'localhost:1', mailbox: hex.slice(48) },
  },
];

/** Files that operators, other programs or a crash left. */
export const targets: readonly FuzzTarget[] = [
  heldFile,
  replayStore,
  fileTarget(
    'readings',
    [
      'household,start,kwh\na,2013-11-11T00:00:00Z,0.5\na,2013-11-11T00:30:00Z,0.25\n',
      'household,date,00:00,12:00\na,2013-11-11,0.5,1\n',
    ],
    (path) => loadReadings(path),
  ),
  fileTarget(
    'configuration',
    configurations.map((value) => JSON.stringify(value)),
    loadAnyConfig,
  ),
  fileTarget('topology', [readFileSync(defaultTopologyPath(), 'utf8')], readTopology),
  fileTarget('connection-profile', [JSON.stringify(profile)], (path) => readGatewayEndpoints(path, {})),
];
