// SPDX-License-Identifier: Apache-2.0
import { DAY_SECONDS } from '../../../protocol/schedule/intervals.js';
import { concatBytes, equalBytes, wipe } from '../../../protocol/crypto/bytes.js';
import { DIGEST_LENGTH } from '../../../protocol/crypto/crypto.js';
import { prefix } from '../../../protocol/crypto/hash.js';
import { sodiumCrypto } from '../../../protocol/crypto/sodium.js';
import { ProtocolError } from '../../../protocol/errors.js';
import { decodeEnrolmentRequest, openEnrolment, type EnrolmentRequest } from '../../../protocol/identity/enrolment.js';
import { MAXIMUM_METERS } from '../../../protocol/ledger/limits.js';
import type { Clock } from '../../runtime/clock.js';
import type { EnrolmentRefusal, HubEnrolment, MeterEnrolment, RelayEnrolment } from '../../links/enrolment-client.js';
import { ClientError } from '../../runtime/errors.js';
import { issueLinkCertificate, linkPin, type LinkRole } from '../../links/link-identity.js';
import type { SealedStore } from '../../runtime/sealed-store.js';
import type { Turns } from '../../runtime/turns.js';
import type { Consumers } from './consumers.js';
import type { Excluded } from '../epochs/epochs.js';
import { codeDigest, type CodeRole, type EnrolmentCodes } from './enrolment-codes.js';
import type { ControlCenterKeys } from '../keys.js';
import type { ParameterVersions } from '../epochs/parameter-versions.js';
import type { Relays } from './relays.js';
import type { Meter, Roster } from './roster.js';
import { storeKey } from '../store-keys.js';

/** A refused enrolment; the message is its stable code alone. */
export class EnrolmentError extends Error {
  override readonly name = 'EnrolmentError';

  constructor(
    readonly code: EnrolmentRefusal,
    options?: { cause?: unknown },
  ) {
    super(code, options);
  }
}

const COMMITMENT_PREFIX = prefix('enrolment commitment');

/** Meters last about fifteen years; a link certificate must not end before the device. */
const CERTIFICATE_SECONDS = 20 * 366 * DAY_SECONDS;

/** Tolerance for clocks that are behind: a new certificate is valid from this long ago. */
const CERTIFICATE_EARLY_SECONDS = DAY_SECONDS;

/** Parts of the control center that enrolment uses. */
export interface EnrolmentSources {
  readonly store: SealedStore;
  readonly keys: ControlCenterKeys;
  readonly versions: ParameterVersions;
  readonly roster: Roster;
  readonly consumers: Consumers;
  readonly relays: Relays;
  readonly codes: EnrolmentCodes;
  readonly clock: Clock;
  readonly registryTurns: Turns;
  /** The first epoch whose registry is not fixed yet. */
  readonly nextEpoch: () => number;
}

/**
 * Admits meters, hubs and households' relays. A code is bound to the key that uses it first, in the same durable step
 * that creates the meter, so a crash before the answer is harmless: the same request gets the same answer.
 */
export class Enrolment {
  readonly #sources: EnrolmentSources;

  constructor(sources: EnrolmentSources) {
    this.#sources = sources;
  }

  /**
   * @param requestBytes canonical JSON of an `EnrolmentRequest`
   * @param linkKey SubjectPublicKeyInfo of the meter's link key, DER
   * @throws EnrolmentError
   */
  meter(requestBytes: Uint8Array, linkKey: Uint8Array): Promise<MeterEnrolment> {
    return this.#sources.registryTurns.take(async () => {
      const request = refused('MALFORMED', () => decodeEnrolmentRequest(requestBytes));
      const code = codeDigest(request.code);
      await this.#requireRole(code, 'meter');
      if (!equalBytes(linkPin(linkKey), request.linkPin)) {
        throw new EnrolmentError('BAD_LINK_KEY');
      }
      const certificate = await this.#certify(linkKey, 'meter');
      const { number, firstEpoch } = await this.#admit(request, code);
      return { meterNumber: number, firstEpoch, certificate, parameters: this.#sources.versions.file };
    });
  }

  /**
   * @param code 16 bytes
   * @param linkKey SubjectPublicKeyInfo of the hub's link key, DER
   * @param priceKey pk_{U_i}, 32 bytes
   * @throws EnrolmentError
   */
  hub(code: Uint8Array, linkKey: Uint8Array, priceKey: Uint8Array): Promise<HubEnrolment> {
    return this.#sources.registryTurns.take(async () => {
      const { store, versions } = this.#sources;
      const key = codeDigest(code);
      await this.#requireRole(key, 'hub');
      const certificate = await this.#certify(linkKey, 'hub');
      const keys = concatBytes(linkPin(linkKey), priceKey);
      const bound = await store.get(storeKey.code(key));
      if (bound === undefined) {
        await this.#admitHub(key, keys, priceKey);
      } else if (!equalBytes(bound, keys)) {
        throw new EnrolmentError('CODE_USED');
      }
      return { certificate, parameters: versions.file };
    });
  }

  async #admitHub(code: string, keys: Uint8Array, priceKey: Uint8Array): Promise<void> {
    const { store, consumers, nextEpoch } = this.#sources;
    if (consumers.find(priceKey) !== undefined) {
      throw new EnrolmentError('KEY_ENROLLED');
    }
    if (consumers.size >= MAXIMUM_METERS) {
      throw new EnrolmentError('REGION_FULL');
    }
    const { consumer, change } = refused('BAD_KEY', () => consumers.prepare(priceKey, nextEpoch()));
    await store.batch([change, { key: storeKey.code(code), value: keys }]);
    consumers.add(consumer);
  }

  /**
   * Admits a household's relay. It shows no knowledge of its keys here: without them it can neither link nor sign a
   * descriptor.
   *
   * @param code 16 bytes
   * @param identity Ed25519 key that signs its descriptors, 32 bytes
   * @param pin of its link key, 32 bytes
   * @throws EnrolmentError
   */
  relay(code: Uint8Array, identity: Uint8Array, pin: Uint8Array): Promise<RelayEnrolment> {
    return this.#sources.registryTurns.take(async () => {
      const { store, relays } = this.#sources;
      const key = codeDigest(code);
      await this.#requireRole(key, 'relay');
      const keys = concatBytes(identity, pin);
      const bound = await store.get(storeKey.code(key));
      if (bound === undefined) {
        await this.#admitRelay(key, keys, identity, pin);
      } else if (!equalBytes(bound, keys)) {
        throw new EnrolmentError('CODE_USED');
      }
      const { operator, layer } = relays.household(keys)!;
      return { operator, layer };
    });
  }

  async #admitRelay(code: string, keys: Uint8Array, identity: Uint8Array, pin: Uint8Array): Promise<void> {
    const { store, relays, versions } = this.#sources;
    if (relays.ofIdentity(identity) !== undefined || relays.ofLink(pin) !== undefined) {
      throw new EnrolmentError('KEY_ENROLLED');
    }
    if (relays.isFull) {
      throw new EnrolmentError('REGION_FULL');
    }
    const { layers } = versions.list.at(-1)!.parameters.onion;
    const { relay, change } = relays.prepare(keys, layers, (await this.excluded()).relays);
    await store.batch([change, { key: storeKey.code(code), value: keys }]);
    relays.add(relay);
  }

  /** The meters, hubs and relays whose codes are withdrawn. */
  async excluded(): Promise<Excluded> {
    const { store, roster, consumers, relays, codes } = this.#sources;
    const excluded = { meters: new Set<number>(), consumers: new Set<number>(), relays: new Set<number>() };
    for (const code of codes.revoked) {
      const bound = await store.get(storeKey.code(code));
      if (bound === undefined) {
        continue;
      }
      const meter = roster.find(bound);
      if (meter !== undefined) {
        excluded.meters.add(meter.number);
      }
      const consumer = consumers.find(bound.subarray(DIGEST_LENGTH));
      if (consumer !== undefined) {
        excluded.consumers.add(consumer.number);
      }
      const relay = relays.household(bound);
      if (relay !== undefined) {
        excluded.relays.add(relay.number);
      }
    }
    return excluded;
  }

  async #admit(request: EnrolmentRequest, code: string): Promise<Meter> {
    const { store, roster } = this.#sources;
    const { linkKey, meterKey } = this.#open(request);
    try {
      const commitment = sodiumCrypto.sha256(concatBytes(COMMITMENT_PREFIX, request.linkPin, meterKey));
      const bound = await store.get(storeKey.code(code));
      const known = roster.find(request.publicKey);
      if (bound !== undefined) {
        const isRepeated = known !== undefined && equalBytes(bound, known.publicKey);
        if (isRepeated && equalBytes(commitment, known.commitment)) {
          return known;
        }
        throw new EnrolmentError('CODE_USED');
      }
      if (known !== undefined) {
        throw new EnrolmentError('KEY_ENROLLED');
      }
      if (roster.size >= this.#capacity()) {
        throw new EnrolmentError('REGION_FULL');
      }
      const about = { publicKey: request.publicKey, firstEpoch: this.#sources.nextEpoch(), commitment };
      const { meter, changes } = roster.prepare(about, linkKey, meterKey);
      await store.batch([...changes, { key: storeKey.code(code), value: request.publicKey }]);
      roster.add(meter);
      return meter;
    } finally {
      wipe(linkKey);
      wipe(meterKey);
    }
  }

  #open(request: EnrolmentRequest): { linkKey: Uint8Array; meterKey: Uint8Array } {
    const { secretKey, publicKey } = this.#sources.keys;
    try {
      return openEnrolment(sodiumCrypto, secretKey, publicKey, request);
    } catch (cause) {
      if (!(cause instanceof ProtocolError)) {
        throw cause;
      }
      const isKey = cause.code === 'NON_CANONICAL' || cause.code === 'ZERO_SHARED_SECRET';
      throw new EnrolmentError(isKey ? 'BAD_KEY' : 'BAD_PROOF', { cause });
    }
  }

  async #requireRole(code: string, role: CodeRole): Promise<void> {
    if ((await this.#sources.codes.roleOf(code)) !== role) {
      throw new EnrolmentError('UNKNOWN_CODE');
    }
  }

  async #certify(linkKey: Uint8Array, role: LinkRole): Promise<string> {
    const { keys, versions, clock } = this.#sources;
    const nowSeconds = Math.floor(clock.nowMilliseconds() / 1000);
    const validity = {
      validFromSeconds: nowSeconds - CERTIFICATE_EARLY_SECONDS,
      validUntilSeconds: nowSeconds + CERTIFICATE_SECONDS,
    };
    try {
      return await issueLinkCertificate(keys.linkAuthority, linkKey, role, versions.first.region, validity);
    } catch (cause) {
      if (cause instanceof ClientError) {
        throw new EnrolmentError('BAD_LINK_KEY', { cause });
      }
      throw cause;
    }
  }

  #capacity(): number {
    return Math.min(MAXIMUM_METERS, 2 ** this.#sources.versions.list.at(-1)!.parameters.registryDepth);
  }
}

function refused<T>(code: EnrolmentRefusal, task: () => T): T {
  try {
    return task();
  } catch (cause) {
    if (cause instanceof ProtocolError) {
      throw new EnrolmentError(code, { cause });
    }
    throw cause;
  }
}
