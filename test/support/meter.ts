// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { toHex } from '../../protocol/crypto/bytes.js';
import { epochNode } from '../../protocol/crypto/ggm.js';
import { openEnrolment } from '../../protocol/identity/enrolment.js';
import { meterIdentity, ratchetTo } from '../../protocol/identity/meter-identity.js';
import { fingerprint } from '../../protocol/ledger/parameters.js';
import {
  authenticateControlCenterPayload,
  openControlCenterPacket,
  type ControlCenterPayload,
} from '../../protocol/onion/control-center-payload.js';
import type { Directory } from '../../protocol/onion/directory-format.js';
import { openHubPacket, type HubKeys, type HubPayload } from '../../protocol/onion/hub-payload.js';
import { peelPacket, type OnionKeyPair, type PeeledPacket } from '../../protocol/onion/packet.js';
import { createLog } from '../../client-apps/runtime/log.js';
import { slotAt } from '../../protocol/schedule/slots.js';
import { TrustedBulletin } from '../../client-apps/bulletin/trusted-bulletin.js';
import { enrolMeter } from '../../client-apps/meter/enrolment.js';
import type { EnergyReader } from '../../client-apps/readings/energy-reader.js';
import { Meter, type SlotPackets } from '../../client-apps/meter/meter.js';
import type { OutgoingPacket } from '../../client-apps/meter/slot-packets.js';
import type { MeterState, PendingEnrolment } from '../../client-apps/meter/state.js';
import { decodeRecord, encodeRecord, type MeterRecord } from '../../client-apps/meter/state-codec.js';
import type { MeterStore } from '../../client-apps/meter/store.js';
import { MemoryBulletin } from './memory-bulletin.js';
import { FakeRegion } from './region.js';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const SLOT = 300;
const INTERVAL = 1_800;
const MAILBOX = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

/** A crash, before or after a write reached the disk. */
export class Crash extends Error {}

/** A store in memory that goes through the real encoding, and can crash. */
export class MemoryStore implements MeterStore {
  bytes: Uint8Array | undefined;
  writes = 0;
  /** Asked at each write. */
  crashAt: (write: number) => 'before' | 'after' | undefined = () => undefined;

  read(): Promise<MeterRecord | undefined> {
    return Promise.resolve(this.bytes === undefined ? undefined : decodeRecord(this.bytes));
  }

  write(record: MeterRecord): Promise<void> {
    const crash = this.crashAt(this.writes++);
    if (crash === 'before') {
      return Promise.reject(new Crash());
    }
    this.bytes = encodeRecord(record);
    return crash === 'after' ? Promise.reject(new Crash()) : Promise.resolve();
  }

  async state(): Promise<MeterState> {
    const record = await this.read();
    assert.ok(record !== undefined && 'state' in record);
    return record.state;
  }
}

/** Contents of a slot's two packets. */
export interface OpenedSlot {
  readonly controlCenter: ControlCenterPayload;
  readonly hub: HubPayload;
  readonly packets: SlotPackets;
  /** The inner packet as it is in the hub's mailbox. */
  readonly mailboxPacket: Uint8Array;
}

/** A meter of a region, with the control center's and the relays' view of it. */
export class MeterUnderTest {
  readonly store = new MemoryStore();
  /** Energy by interval start; what is absent has not been measured yet. */
  readonly energy = new Map<number, bigint>();
  readonly reader: EnergyReader = { energyOf: (start) => Promise.resolve(this.energy.get(start)) };
  #meter: Meter | undefined;
  #shared: { linkKey: Uint8Array; meterKey: Uint8Array; identity: Uint8Array } | undefined;

  constructor(
    readonly kit: FakeRegion,
    readonly bulletin: MemoryBulletin,
    readonly hubKeys: HubKeys = strangeHub(kit),
  ) {}

  get meter(): Meter {
    return this.#meter!;
  }

  /** Enrols the meter as number 7, at the start of the first interval unless told otherwise. */
  async enrol(
    options: {
      firstEpoch?: number;
      nowSeconds?: number;
      pending?: PendingEnrolment;
      connectionLimitWatts?: number;
    } = {},
  ): Promise<void> {
    const { kit, store } = this;
    const { firstEpoch = 0, nowSeconds = kit.startOf(0), pending } = options;
    const secretKey = kit.secret('control center x25519');
    const state = await enrolMeter(
      {
        crypto: kit.crypto,
        random,
        store,
        code: random(16),
        seed: undefined,
        send: (request) => {
          const opened = openEnrolment(kit.crypto, secretKey, kit.parameters.controlCenter.publicKey, request);
          this.#shared = { ...opened, identity: meterIdentity(kit.crypto, request.publicKey) };
          const parameters = this.bulletin.files.get('parameters.json')!;
          return Promise.resolve({
            meterNumber: 7,
            firstEpoch,
            connectionLimitWatts: options.connectionLimitWatts ?? 100_000,
            certificate: 'PEM',
            parameters,
          });
        },
      },
      {
        pending,
        parameters: kit.parameters,
        trustAnchor: Buffer.from(this.#trustAnchor(), 'hex'),
        fromSeconds: nowSeconds,
      },
    );
    this.#start(state);
  }

  /** Starts the meter again from what its store holds. */
  async restart(): Promise<void> {
    this.#start(await this.store.state());
  }

  /** The meter's secrets in an epoch, as the control center knows them. */
  secretsOf(epoch: number): { identity: Uint8Array; linkKey: Uint8Array; epochNode: Uint8Array; meterNumber: number } {
    const { crypto } = this.kit;
    const { linkKey, meterKey, identity } = this.#shared!;
    const ofEpoch = ratchetTo(crypto, linkKey, 0, epoch);
    return { identity, linkKey: ofEpoch, epochNode: epochNode(crypto, meterKey, epoch), meterNumber: 7 };
  }

  /** K_i as the control center received it. */
  get meterKey(): Uint8Array {
    return this.#shared!.meterKey;
  }

  /** Lets the meter do the slot at this time, and opens what it would send. */
  async slot(timeSeconds: number): Promise<OpenedSlot | undefined> {
    const slot = slotAt(this.kit.parameters, timeSeconds);
    await this.meter.read(slot);
    const packets = await this.meter.slot(slot);
    return packets && this.open(packets);
  }

  open(packets: SlotPackets): OpenedSlot {
    const { crypto } = this.kit;
    const toControlCenter = this.#peel(packets.controlCenter);
    assert.equal(toControlCenter.route.to, 'control-center');
    const epoch = (toControlCenter.packet[1]! << 8) | toControlCenter.packet[2]!;
    const opened = openControlCenterPacket(crypto, this.#onionKey('control center', epoch), toControlCenter.packet);
    assert.ok(authenticateControlCenterPayload(crypto, opened, this.secretsOf(epoch).linkKey), 'the MAC fits');

    const toHub = this.#peel(packets.hub);
    assert.ok(toHub.route.to === 'mailbox' && Buffer.from(toHub.route.mailbox).equals(MAILBOX));
    const hub = openHubPacket(crypto, this.hubKeys, toHub.packet);
    return { controlCenter: opened.payload, hub, packets, mailboxPacket: toHub.packet };
  }

  /** All layers of a packet, opened by the relays that it names. */
  #peel({ entry, bytes }: OutgoingPacket): PeeledPacket {
    const { crypto } = this.kit;
    const epoch = (bytes[1]! << 8) | bytes[2]!;
    const { relays, layers }: Directory = this.kit.directory(epoch).directory;
    let address = entry.address;
    let packet = bytes;
    for (let left = layers; ; left--) {
      const peeled = peelPacket(crypto, {
        key: this.#onionKey(address.split('.')[0]!, epoch),
        layersLeft: left,
        packet,
      });
      if (peeled.route.to !== 'relay') {
        return peeled;
      }
      address = relays[peeled.route.relay]!.descriptor.address;
      packet = peeled.packet;
    }
  }

  #onionKey(name: string, epoch: number): OnionKeyPair {
    const secretKey = this.kit.secret(`${name} onion ${epoch}`);
    return { epoch, secretKey, publicKey: this.kit.crypto.x25519PublicKey(secretKey) };
  }

  #start(state: MeterState): void {
    const { kit, store, reader, hubKeys } = this;
    const bulletin = new TrustedBulletin(kit.crypto, this.bulletin, kit.region, this.#trustAnchor());
    const hub = { ...hubKeys, mailboxRelay: 'relay-2-1.gridveil.invalid:7000', mailbox: MAILBOX };
    const log = createLog('meter', 'silent');
    this.#meter = new Meter({ crypto: kit.crypto, random, reader, store, bulletin, hub, log }, state);
  }

  #trustAnchor(): string {
    return fingerprint(this.kit.crypto, this.kit.controlCenter.publicKey);
  }
}

/** A region, a bulletin and an enrolled meter. */
export async function enrolledMeter(parameters: Partial<FakeRegion['parameters']> = {}): Promise<MeterUnderTest> {
  const kit = new FakeRegion({ parameters });
  const bulletin = new MemoryBulletin(kit);
  bulletin.publishDirectory(0);
  const meter = new MeterUnderTest(kit, bulletin);
  await meter.enrol();
  return meter;
}

/** Runs the window of interval j, slot by slot; gives what was sent and the distinct rows in it. */
export async function runWindow(
  meter: MeterUnderTest,
  interval: number,
  slots = [0, 1, 2, 3, 4, 5],
): Promise<{ sent: OpenedSlot[]; rows: Uint8Array[] }> {
  const sent: OpenedSlot[] = [];
  for (const slot of slots) {
    const opened = await meter.slot(meter.kit.startOf(interval) + INTERVAL + slot * SLOT);
    if (opened !== undefined) {
      sent.push(opened);
    }
  }
  const rows = new Map<string, Uint8Array>();
  for (const { controlCenter } of sent) {
    for (const { row } of controlCenter.rows) {
      rows.set(toHex(row), row);
    }
  }
  return { sent, rows: [...rows.values()] };
}

/** Keys of a hub that does not exist. */
function strangeHub({ crypto }: FakeRegion): HubKeys {
  const secretKey = random(32);
  return { secretKey, publicKey: crypto.x25519PublicKey(secretKey), pairingKey: random(32) };
}
