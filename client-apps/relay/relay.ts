// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { DAY_SECONDS } from '../../protocol/schedule/intervals.js';
import { equalBytes } from '../../protocol/crypto/bytes.js';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import type { Parameters } from '../../protocol/ledger/parameters.js';
import { encodeSignedDescriptor } from '../../protocol/onion/directory-format.js';
import { slotStartAfter } from '../../protocol/schedule/slots.js';
import { HttpsBulletin } from '../bulletin/reader.js';
import { ClientError } from '../runtime/errors.js';
import { untilReachable } from '../runtime/retry.js';
import { Timers } from '../runtime/timers.js';
import { LinkPool, type LinkTarget } from '../links/connect.js';
import { entryRelays } from '../links/entry-relays.js';
import { FRAME } from '../links/frames.js';
import { selfIssuedIdentity, type LinkIdentity, type LinkRole } from '../links/link-identity.js';
import type { LinkListener } from '../links/listen.js';
import { sendLoops } from '../links/loop-sender.js';
import { LoopWatch } from '../links/loop-watch.js';
import type { PartyContext, RunningParty } from '../runtime/party.js';
import { TrustedBulletin } from '../bulletin/trusted-bulletin.js';
import type { PlacedRelayConfig } from './config.js';
import { Counters } from './counters.js';
import { HeldFile, NOTHING_HELD, type Held } from './packets/held-file.js';
import { listenForPeers } from './link-service.js';
import { Mailboxes } from './packets/mailboxes.js';
import { serveMetrics, type Levels, type MetricsServer } from './metrics.js';
import { PacketHandler } from './packets/packet-handler.js';
import { secondsOf, type RelayParts } from './parts.js';
import { TierFollower } from './tier-follower.js';
import { traceName, tracedContext, UnsafeTrace } from './trace.js';

/** Pause between attempts to read the bulletin for the first time: all parties of a new region wait for its tier. */
const START_PAUSES = { firstPauseMilliseconds: 250, longestPauseMilliseconds: 250 };

/**
 * Validity of the certificate before and after its creation. The key is pinned; a wide range tolerates wrong clocks.
 */
const CERTIFICATE_SECONDS = 20 * 365 * DAY_SECONDS;

/** Options of a start, which the configuration cannot set. */
export interface RelayOptions {
  /** Directory for a trace of all packets: reveals everything that a relay hides. On simulated time only. */
  readonly unsafeTrace?: string | undefined;
  /** False for a relay that sends no loops, as in a test that counts single packets. */
  readonly loops?: boolean;
}

/** A running relay: wires links, epochs and packets together and starts and ends them in order. */
export class Relay implements RunningParty {
  readonly ended: Promise<void>;
  #end!: () => void;
  #fail!: (error: unknown) => void;
  readonly counters = new Counters();
  readonly #mailboxes = new Mailboxes();
  readonly #controlCenter: LinkTarget;
  readonly #bulletin: HttpsBulletin;
  readonly #heldFile: HeldFile;
  readonly #links: LinkPool;
  #listener: LinkListener<LinkRole> | undefined;
  #metrics: MetricsServer | undefined;
  #tier: TierFollower | undefined;
  #handler: PacketHandler | undefined;
  #trace: UnsafeTrace | undefined;
  readonly #loops: LoopWatch;
  /** Packets held at the last shutdown, until their directory is read. */
  #held: Held = NOTHING_HELD;
  readonly #timers: Timers;
  /** The last epoch that the control center was told of. */
  #announced = -1;
  /** Reading the parameters, or the step of a slot. */
  #following: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | undefined;

  readonly #parts: RelayParts;
  readonly #config: PlacedRelayConfig;
  readonly #context: PartyContext;
  readonly #options: RelayOptions;

  private constructor(parts: RelayParts, identity: LinkIdentity, options: RelayOptions) {
    const { config, context, fileKey } = parts;
    this.#parts = parts;
    this.#config = config;
    this.#context = context;
    this.#options = options;
    this.#timers = new Timers(context);

    this.ended = new Promise((resolve, reject) => {
      this.#end = resolve;
      this.#fail = reject;
    });
    // The relay may fail before its caller awaits `ended`.
    this.ended.catch(() => undefined);
    const { url, pin, linkAddress, linkPin } = config.controlCenter;
    this.#controlCenter = { address: linkAddress, pin: linkPin };
    this.#bulletin = new HttpsBulletin(url, pin);
    this.#heldFile = new HeldFile(join(config.directory, 'held'), fileKey);
    this.#loops = new LoopWatch(this.#timers, {
      onMissing: () => {
        this.counters.missingLoops++;
      },
      onCutOff: (cutOff) => this.#noteCutOff(cutOff),
    });
    this.#links = new LinkPool({
      identity,
      timers: this.#timers,
      random: context.random,
      addressOverrides: config.addressOverrides,
      onUp: (link) => {
        if (equalBytes(link.pin, linkPin)) {
          this.#announce();
        }
      },
      onLost: (frames) => {
        this.counters.dropped['queue-full'] += frames;
      },
    });
  }

  /** @throws ClientError LINK_REFUSED when it cannot listen; UNSAFE_TRACE */
  static async start(parts: RelayParts, options: RelayOptions = {}): Promise<Relay> {
    const context = options.unsafeTrace === undefined ? parts.context : tracedContext(parts.context);
    const nowSeconds = secondsOf(context);
    const identity = await selfIssuedIdentity(parts.keys.link, {
      validFromSeconds: Math.max(0, nowSeconds - CERTIFICATE_SECONDS),
      validUntilSeconds: nowSeconds + CERTIFICATE_SECONDS,
    });
    const relay = new Relay({ ...parts, context }, identity, options);
    await relay.#listen(identity);
    return relay;
  }

  /**
   * Shuts down gracefully: accepts nothing more, saves held packets in a sealed file, and writes all queues.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#shutDown().then(this.#end, this.#fail);
    return this.#stopping;
  }

  async #listen(identity: LinkIdentity): Promise<void> {
    const { counters } = this;
    const config = this.#config;
    const context = this.#context;
    const mailboxes = this.#mailboxes;
    this.#listener = await listenForPeers(identity, {
      config,
      context,
      timers: this.#timers,
      counters,
      mailboxes,
      tier: () => this.#tier,
      handler: () => this.#handler,
    });
    if (config.metrics !== undefined) {
      this.#metrics = await serveMetrics(config.metrics, this.#timers, counters, () => this.#levels());
    }
    context.report('ready', { port: this.#listener.port, metricsPort: this.#metrics?.port ?? null });
    // Simulated time must not advance before the relay knows the epochs.
    this.#following = context.clock.activity
      .track('parameters', this.#begin())
      .catch((error: unknown) => this.#giveUp(error));
  }

  /** Reads the parameters, with retries, then starts following the tier. */
  async #begin(): Promise<void> {
    const config = this.#config;
    const tier = await this.#openTier();
    if (tier === undefined) {
      return;
    }
    this.#tier = tier;
    this.#held = await this.#heldFile.take();
    this.#mailboxes.restore(this.#held.mailboxes);
    this.#trace = this.#openTrace(tier.parameters);
    this.#handler = new PacketHandler({
      timers: this.#timers,
      counters: this.counters,
      epochs: tier.epochs,
      mailboxes: this.#mailboxes,
      links: this.#links,
      poolCapacity: config.poolCapacity,
      timing: tier.parameters,
      onFailure: (error) => this.#giveUp(error),
      trace: this.#trace,
      loops: this.#loops,
    });
    this.#links.link(this.#controlCenter);
    if (this.#options.loops !== false) {
      this.#sendLoops(tier, this.#handler);
    }
    const nextSlot = (after: number): number => 1000 * slotStartAfter(tier.parameters, after / 1000);
    this.#timers.repeat(
      'relay slot',
      nextSlot,
      () => (this.#following = this.#following.then(() => this.#follow(tier))),
    );
    await this.#follow(tier);
  }

  async #openTier(): Promise<TierFollower | undefined> {
    const config = this.#config;
    const context = this.#context;
    const bulletin = new TrustedBulletin(sodiumCrypto, this.#bulletin, config.region, config.trustAnchor);
    const { signal } = this.#timers;
    const open = (): Promise<TierFollower> => TierFollower.open(this.#parts, bulletin);
    try {
      return await untilReachable(context.log, 'bulletin', open, { pauses: START_PAUSES, signal });
    } catch (error) {
      if (signal.aborted) {
        return undefined;
      }
      throw error;
    }
  }

  #openTrace({ onion, slotSeconds }: Parameters): UnsafeTrace | undefined {
    const config = this.#config;
    const context = this.#context;
    const { keys } = this.#parts;
    const options = this.#options;
    if (options.unsafeTrace === undefined) {
      return undefined;
    }
    const { region, layer } = config;
    const relay = traceName(keys.link.pin);
    return new UnsafeTrace(options.unsafeTrace, context.clock, { region, relay, layer, slotSeconds, ...onion });
  }

  /** Takes the step of a slot. */
  async #follow(tier: TierFollower): Promise<void> {
    const { log } = this.#context;
    try {
      await this.#step(tier);
    } catch (error) {
      if (!(error instanceof ClientError)) {
        this.#giveUp(error);
        return;
      }
      // The directories in use stay valid; the next slot tries again.
      log.warn({ code: error.code }, 'bulletin unavailable in this slot');
    }
  }

  async #step(tier: TierFollower): Promise<void> {
    const before = tier.epochs.all();
    await tier.step();
    if (tier.served.last !== this.#announced) {
      this.#announce();
    }
    const live = tier.epochs.all();
    if (live.length === before.length && live.every((epoch, index) => epoch === before[index])) {
      return;
    }
    const targets = live.flatMap(({ next, controlCenter, layersLeft, directory }) => [
      ...(layersLeft === 1 ? [controlCenter] : next.filter((target) => target !== undefined)),
      ...(this.#config.layer === 1 ? [] : entryRelays(directory)),
    ]);
    this.#links.retain([this.#controlCenter, ...targets]);
    this.#listener?.recheck();
    this.#handler?.resume(this.#held.packets.filter(({ epoch }) => tier.epochs.get(epoch) !== undefined));
    this.#held = NOTHING_HELD;
    for (const { epoch } of live) {
      if (before.some((known) => known.epoch === epoch)) {
        continue;
      }
      this.#context.report('directory', { epoch });
      this.#context.log.info({ epoch }, 'relay directory in use');
    }
  }

  /** Loops enter as meters' packets do, at a relay of the first layer; one of that layer makes them enter at itself. */
  #sendLoops(tier: TierFollower, handler: PacketHandler): void {
    const { counters } = this;
    const config = this.#config;
    const context = this.#context;
    const { keys } = this.#parts;
    const links = this.#links;
    const loops = this.#loops;
    sendLoops({
      timers: this.#timers,
      random: context.random,
      watch: loops,
      parameters: () => tier.parameters,
      tier: (epoch) => {
        const live = tier.epochs.get(epoch);
        return live && { directory: live.directory, maker: { relay: live.index } };
      },
      send: ({ packet }, entry) => {
        counters.loops++;
        if (config.layer === 1) {
          void handler.accept({ pin: keys.link.pin }, packet);
        } else {
          links.link(entry).send(FRAME.packet, packet);
        }
      },
    });
  }

  #noteCutOff(cutOff: boolean): void {
    const { log, report } = this.#context;
    report('cut-off', { cutOff });
    if (cutOff) {
      log.warn('no loop of this relay returns: packets are being dropped; due packets are held back');
    } else {
      log.info('loops return again: forwarding resumes');
    }
    if (!cutOff) {
      this.#handler?.resumeReleasing();
    }
  }

  /** Tells the control center of the epochs to come: whenever the link comes up, and when there is a new one. */
  #announce(): void {
    const link = this.#links.link(this.#controlCenter);
    if (this.#tier === undefined || !link.isUp) {
      return;
    }
    this.#announced = this.#tier.served.last;
    for (const descriptor of this.#tier.descriptors()) {
      link.send(FRAME.descriptor, encodeSignedDescriptor(descriptor));
    }
  }

  #levels(): Levels {
    const live = this.#tier?.epochs.all() ?? [];
    return {
      links: this.#listener?.links.size ?? 0,
      held: this.#handler?.pool.size ?? 0,
      mailboxes: this.#mailboxes.size,
      mailboxPackets: this.#mailboxes.packetCount,
      replayTags: live.reduce((sum, { replay }) => sum + replay.size, 0),
      cutOff: this.#loops.isCutOff ? 1 : 0,
    };
  }

  /** Ends the relay after a failure. */
  #giveUp(error: unknown): void {
    this.#fail(error);
    void this.stop();
  }

  async #shutDown(): Promise<void> {
    this.#timers.stop();
    await this.#listener?.close();
    await this.#following;
    if (this.#handler !== undefined) {
      const packets = [...this.#held.packets, ...(await this.#handler.stop())];
      await this.#heldFile.save({ packets, mailboxes: this.#mailboxes.snapshot() });
    }
    this.#trace?.close();
    await this.#links.close();
    await this.#tier?.epochs.close();
    await this.#metrics?.close();
    this.#bulletin.close();
    this.#parts.fileKey.wipe();
  }
}
