// SPDX-License-Identifier: Apache-2.0
/**
 * Loaded by `node --import` into a process of a run, whose program is unchanged otherwise: makes one party hostile, or
 * records what an honest one does. The part is named by `GRIDVEIL_TEST_PART`; simulated times are Unix seconds.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { BulletinWriter } from '../../../client-apps/bulletin/writer.js';
import { RegionLedger, type ProvidedWrite } from '../../../client-apps/ledger/region-ledger.js';
import { DRAIN_MILLISECONDS } from '../../../client-apps/links/mailbox-client.js';
import { LinkPool, OutgoingLink, resolveAddress, type LinkTarget } from '../../../client-apps/links/connect.js';
import { FRAME } from '../../../client-apps/links/frames.js';
import { selfIssuedIdentity, type LinkIdentity } from '../../../client-apps/links/link-identity.js';
import { Epochs } from '../../../client-apps/relay/epochs.js';
import { relayKeysFrom } from '../../../client-apps/relay/keys.js';
import { Mailboxes } from '../../../client-apps/relay/packets/mailboxes.js';
import { PacketHandler } from '../../../client-apps/relay/packets/packet-handler.js';
import { Activity } from '../../../client-apps/runtime/activity.js';
import { SteppedClock } from '../../../client-apps/runtime/clock.js';
import { ClientError } from '../../../client-apps/runtime/errors.js';
import { createLog } from '../../../client-apps/runtime/log.js';
import { deriveSecret } from '../../../client-apps/runtime/party-secret.js';
import { Timers } from '../../../client-apps/runtime/timers.js';
import { fromHex } from '../../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../../protocol/crypto/sodium.js';
import { SEALS_FILE } from '../../../protocol/ledger/bulletin.js';
import { signHeader } from '../../../protocol/ledger/signed-header.js';
import { sealDigest } from '../../../protocol/ledger/seal.js';
import { signDescriptor, type RelayDescriptor } from '../../../protocol/onion/directory-format.js';
import { packetLength } from '../../../protocol/onion/geometry.js';

interface PartyConfig {
  readonly enrolmentSeed: string;
  readonly addressOverrides: Record<string, string>;
}

const SLOT_MILLISECONDS = 300_000;
/** Connections of a flood to one neighbour that say nothing. */
const FLOOD_CONNECTIONS = 20;
/** Real time after which a flood ends, if its link was not cut. */
const FLOOD_MILLISECONDS = 1_000;
/** Real time in place of a drain's deadline while the mailbox is silent: a simulated slot takes less than ten seconds. */
const SILENT_DRAIN_MILLISECONDS = 20;

/** Where the part notes what it did, one JSON object a line. */
const notes = process.env['GRIDVEIL_TEST_NOTES']!;
const schedule = JSON.parse(process.env['GRIDVEIL_TEST_SCHEDULE']!) as {
  /** The mailbox relay is silent until then. */
  readonly silentUntil: number;
  /** When the service provider sends its right bills, by the start of the interval. */
  readonly billed: Record<string, number>;
  /** When the flood begins. */
  readonly floodFrom: number;
  /** Frames of the flood to each neighbour, in a slot: several times what one takes. */
  readonly floodFrames: number;
  readonly openFiles: number;
};

const note = (what: object): void => appendFileSync(notes, `${JSON.stringify(what)}\n`);
const config = (): PartyConfig =>
  JSON.parse(readFileSync(process.argv[process.argv.indexOf('--config') + 1]!, 'utf8')) as PartyConfig;

let clock: SteppedClock | undefined;
const { state } = SteppedClock.prototype;
SteppedClock.prototype.state = function () {
  clock ??= Object(this) as SteppedClock;
  return state.call(this);
};
const nowSeconds = (): number => (clock?.nowMilliseconds() ?? 0) / 1_000;
/** Resolves at a simulated time; time does not wait for whoever waits. */
const until = (seconds: number): Promise<void> =>
  new Promise((resolve) => {
    clock!.setTimer(seconds * 1_000, resolve);
  });

/** A relay that announces a descriptor with a fault under its right signature. */
function announce(fault: Partial<RelayDescriptor>): void {
  const { identity } = relayKeysFrom(fromHex(config().enrolmentSeed));
  const { descriptor } = Epochs.prototype;
  Epochs.prototype.descriptor = function (parameters, epoch) {
    return signDescriptor(sodiumCrypto, { ...descriptor.call(this, parameters, epoch).descriptor, ...fault }, identity);
  };
}

/** A relay that takes packets and passes none on. */
function drop(): void {
  PacketHandler.prototype.accept = () => undefined;
}

/**
 * A relay that passes packets on until its flood begins: then, in every slot, old packets, garbage and silent connections
 * to all its neighbours. Its links are those of the program, so that simulated time counts their frames.
 */
function flood(): void {
  const { enrolmentSeed, addressOverrides } = config();
  const old: Uint8Array[] = [];
  let targets: readonly LinkTarget[] = [];
  const sockets: Socket[] = [];
  let begun = false;
  const { retain } = LinkPool.prototype;
  LinkPool.prototype.retain = function (all) {
    targets = all;
    retain.call(this, all);
    if (!begun) {
      begun = true;
      void floods();
    }
  };
  const { send } = OutgoingLink.prototype;
  OutgoingLink.prototype.send = function (type, body) {
    if (type === FRAME.packet) {
      old.push(Uint8Array.from(body));
      old.splice(0, old.length - schedule.floodFrames);
      if (nowSeconds() >= schedule.floodFrom) {
        return false;
      }
    }
    return send.call(this, type, body);
  };
  const floodOne = async (target: LinkTarget, identity: LinkIdentity): Promise<void> => {
    const { host, port } = resolveAddress(target.address, addressOverrides);
    for (let count = 0; count < FLOOD_CONNECTIONS; count++) {
      sockets.push(connect({ host, port }).on('error', () => undefined));
    }
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const timers = new Timers({ clock: clock!, log: createLog('flood', 'silent') });
    const link = new OutgoingLink(target, {
      ...{ identity, timers, addressOverrides, random: randomBytes, onDown: end },
      onUp: () => {
        for (let count = 0; count < schedule.floodFrames; count++) {
          const again = count % 2 === 0 ? old[count % Math.max(1, old.length)] : undefined;
          send.call(link, FRAME.packet, again ?? randomBytes(packetLength(1)));
        }
      },
    });
    const late = setTimeout(end, FLOOD_MILLISECONDS);
    await ended;
    clearTimeout(late);
    await link.close();
    timers.stop();
  };
  const floods = async (): Promise<void> => {
    const validity = { validFromSeconds: 0, validUntilSeconds: 4_000_000_000 };
    const identity = await selfIssuedIdentity(relayKeysFrom(fromHex(enrolmentSeed)).link, validity);
    for (let at = schedule.floodFrom * 1_000; ; at += SLOT_MILLISECONDS) {
      await new Promise<void>((resolve) => {
        clock!.setTimer(at, async () => {
          sockets.splice(0).forEach((socket) => socket.destroy());
          const unique = [...new Map(targets.map((target) => [target.address, target])).values()];
          await Promise.all(unique.map((target) => floodOne(target, identity)));
          note({ flooded: unique.length, oldPackets: old.length });
          resolve();
        });
      });
    }
  };
}

/** A relay of the last layer that answers no drain for a time. */
function keepMailboxes(): void {
  const { drain } = Mailboxes.prototype;
  Mailboxes.prototype.drain = function (id, received) {
    return nowSeconds() < schedule.silentUntil ? undefined : drain.call(this, id, received);
  };
}

/** Hubs wait for a silent mailbox as long as ever, on a real clock that goes as fast as the simulated one. */
function hurryDrains(): void {
  const wait = globalThis.setTimeout as (task: () => void, milliseconds?: number) => NodeJS.Timeout;
  globalThis.setTimeout = ((task: () => void, milliseconds?: number) => {
    const isSilent = milliseconds === DRAIN_MILLISECONDS && nowSeconds() < schedule.silentUntil;
    return wait(task, isSilent ? SILENT_DRAIN_MILLISECONDS : milliseconds);
  }) as typeof setTimeout;
}

/** A service provider that commits to bills whose page cannot be written, and sends the right ones later. */
function poison(): void {
  const secrets = deriveSecret('service provider', fromHex(config().enrolmentSeed), 'keys');
  const key = sodiumCrypto.ed25519Key(deriveSecret('service provider', secrets, 'ed25519'));
  const poisoned = new Set<number>();
  const { seal, putProvided } = RegionLedger.prototype;
  RegionLedger.prototype.putProvided = async function (write: ProvidedWrite) {
    const { header } = write.signed;
    const { startSeconds } = header.ledgerId;
    if (header.kind !== 'billing' || poisoned.has(startSeconds)) {
      await putProvided.call(this, write);
      return;
    }
    const pricing = (await seal.call(this, 'pricing', startSeconds))!.seal;
    const pages = header.pages.map((page, number) =>
      number === header.pages.length - 1 ? { ...page, root: randomBytes(32) } : page,
    );
    const basis = { basis: sealDigest(sodiumCrypto, pricing), parametersDigest: pricing.parametersDigest };
    const signed = signHeader(sodiumCrypto, { ...header, pages }, basis, key);
    const refused = await putProvided.call(this, { ...write, signed }).then(
      () => 'nothing',
      (error: unknown) => (error as ClientError).code,
    );
    poisoned.add(startSeconds);
    note({ poisoned: startSeconds, atSeconds: nowSeconds(), refused });
    // Outside of the work that simulated time waits for.
    throw new ClientError('UNREACHABLE', 'the right bills come later');
  };
  RegionLedger.prototype.seal = async function (kind, startSeconds) {
    const sealed = await seal.call(this, kind, startSeconds);
    const release = schedule.billed[startSeconds];
    if (kind === 'pricing' && poisoned.has(startSeconds) && release !== undefined && nowSeconds() < release) {
      await until(release);
    }
    return sealed;
  };
}

/**
 * The control center, honest: notes when it publishes each seal of consumption. Simulated time does not wait for the
 * service provider before the time at which that sends its right bills.
 */
function recordSeals(): void {
  const published = new Set<number>();
  let endOfWork: (() => void) | undefined;
  /** Takes up the work on an interval again when its bills are due; in the order of the intervals. */
  const waits: ((startSeconds: number) => Promise<void>)[] = [];
  const { begin } = Activity.prototype;
  Activity.prototype.begin = function (label) {
    const end = begin.call(this, label);
    if (label !== 'interval') {
      return end;
    }
    endOfWork = end;
    let settled = false;
    let endOfWait: () => void = () => undefined;
    waits.push(async (startSeconds) => {
      await until(schedule.billed[startSeconds]!);
      if (!settled) {
        endOfWait = begin.call(this, label);
      }
    });
    return () => {
      settled = true;
      end();
      endOfWait();
    };
  };
  const { writeFile } = BulletinWriter.prototype;
  BulletinWriter.prototype.writeFile = async function (region, startSeconds, file, bytes) {
    await writeFile.call(this, region, startSeconds, file, bytes);
    if (file !== SEALS_FILE || published.has(startSeconds)) {
      return;
    }
    published.add(startSeconds);
    note({ sealed: startSeconds, atSeconds: nowSeconds() });
    void waits.shift()!(startSeconds);
    endOfWork!();
  };
}

function limitOpenFiles(): void {
  execFileSync('prlimit', [`--pid=${process.pid}`, `--nofile=${schedule.openFiles}`]);
}

const parts: Record<string, () => void> = {
  'bad-key': () => announce({ onionKey: new Uint8Array(32) }),
  'bad-port': () => announce({ address: 'relay.demo.gridveil.invalid:0' }),
  'another-address': () => announce({ address: process.env['GRIDVEIL_TEST_ADDRESS']! }),
  drop,
  flood,
  'silent-mailbox': keepMailboxes,
  hubs: hurryDrains,
  poison,
  'control-center': recordSeals,
  'bulletin-server': limitOpenFiles,
};
parts[process.env['GRIDVEIL_TEST_PART']!]!();
