// SPDX-License-Identifier: Apache-2.0
import { wipe } from '../../protocol/crypto/bytes.js';
import { KEY_LENGTH, type Crypto } from '../../protocol/crypto/crypto.js';
import { PuncturedTree } from '../../protocol/crypto/ggm.js';
import {
  decodeEnrolmentRequest,
  encodeEnrolmentRequest,
  sealEnrolment,
  type EnrolmentRequest,
} from '../../protocol/identity/enrolment.js';
import { meterIdentity, ratchetTo, sharedLinkKey } from '../../protocol/identity/meter-identity.js';
import { NO_DIGEST } from '../../protocol/ledger/document.js';
import { epochStartSeconds } from '../../protocol/schedule/epochs.js';
import type { Parameters } from '../../protocol/ledger/parameters.js';
import type { RandomSource } from '../../protocol/onion/packet.js';
import { intervalStartFrom, previousStart } from '../../protocol/schedule/intervals.js';
import type { MeterEnrolment } from '../links/enrolment-client.js';
import { deriveSecret } from '../runtime/party-secret.js';
import { linkKeyFromSeed } from '../links/link-identity.js';
import { NO_CAP } from './energy.js';
import type { MeterState, PendingEnrolment } from './state.js';
import type { MeterStore } from './store.js';

/** Dependencies of an enrolment. */
export interface EnrolmentParts {
  readonly crypto: Crypto;
  readonly random: RandomSource;
  readonly store: MeterStore;
  /** One-use enrolment code, 16 bytes. */
  readonly code: Uint8Array;
  /** Seed of the meter's keys in a demo, 32 bytes; otherwise they are random. */
  readonly seed: Uint8Array | undefined;
  /** Sends the request with the public link key, DER. */
  readonly send: (request: EnrolmentRequest, linkKey: Uint8Array) => Promise<MeterEnrolment>;
}

/** Facts that an enrolment starts from. */
export interface EnrolmentFacts {
  /** An enrolment under way, from the meter's store. */
  readonly pending: PendingEnrolment | undefined;
  /** The version in force; pk_CC and the times are the same in all versions. */
  readonly parameters: Parameters;
  /** Fingerprint of the control center's first signature key, 32 bytes. */
  readonly trustAnchor: Uint8Array;
  /** Energy measured before is not reported. */
  readonly fromSeconds: number;
}

/**
 * Enrols a meter, or continues an enrolment that a crash interrupted. The request is on the disk before it is sent and
 * does not change, so the one-use code is never wasted. When this returns, sk_i and K_i are erased from memory and from
 * the file.
 *
 * @throws ClientError ENROLMENT_REFUSED, UNREACHABLE, WRONG_PIN, BAD_ANSWER
 */
export async function enrolMeter(parts: EnrolmentParts, facts: EnrolmentFacts): Promise<MeterState> {
  const { crypto, store, send } = parts;
  const begun = facts.pending ?? (await begin(parts, facts.parameters));
  const answer = await send(decodeEnrolmentRequest(begun.request), linkKeyFromSeed(begun.linkSeed).publicKey);
  const state = enrolledState(crypto, begun, answer, facts);
  await store.write({ state });
  wipe(begun.secretKey);
  wipe(begun.meterKey);
  return state;
}

async function begin(parts: EnrolmentParts, parameters: Parameters): Promise<PendingEnrolment> {
  const { crypto, random, seed, code, store } = parts;
  const secret = (name: string): Uint8Array =>
    seed === undefined ? random(KEY_LENGTH) : deriveSecret('meter', seed, name);
  const secretKey = secret('sk_i');
  const meterKey = secret('K_i');
  const linkSeed = secret('link');
  const request = sealEnrolment(crypto, {
    code,
    linkPin: linkKeyFromSeed(linkSeed).pin,
    secretKey,
    meterKey,
    controlCenterPublicKey: parameters.controlCenter.publicKey,
    ephemeralSecretKey: random(KEY_LENGTH),
  });
  const pending = { secretKey, meterKey, linkSeed, request: encodeEnrolmentRequest(request) };
  await store.write({ pending });
  return pending;
}

function enrolledState(
  crypto: Crypto,
  pending: PendingEnrolment,
  answer: MeterEnrolment,
  { parameters, trustAnchor, fromSeconds }: EnrolmentFacts,
): MeterState {
  const { firstEpoch, meterNumber, connectionLimitWatts, certificate } = answer;
  const identity = meterIdentity(crypto, crypto.x25519PublicKey(pending.secretKey));
  const firstLinkKey = sharedLinkKey(crypto, pending.secretKey, parameters.controlCenter.publicKey);
  const linkKey = ratchetTo(crypto, firstLinkKey, 0, firstEpoch);
  wipe(firstLinkKey);
  const tree = PuncturedTree.fromKey(crypto, pending.meterKey, firstEpoch);
  const epochNode = tree.epochNode(firstEpoch);
  tree.puncture(firstEpoch);
  const firstSeconds = firstIntervalSeconds(parameters, firstEpoch, fromSeconds);
  return {
    identity,
    meterNumber,
    firstEpoch,
    connectionLimitWatts,
    trustAnchor,
    linkSeed: pending.linkSeed,
    linkCertificate: certificate,
    tree: tree.toBytes(),
    keys: { epoch: firstEpoch, linkKey, epochNode, nextK: 1, previous: identity },
    nextMeasureSeconds: firstSeconds,
    nextSealSeconds: firstSeconds,
    previousSeal: NO_DIGEST,
    splitSeconds: previousStart(parameters, firstSeconds),
    capCategory: NO_CAP,
    handles: [],
    measured: 0n,
    acknowledged: 0n,
    carried: 0n,
    ledgers: [],
  };
}

/** Start of the first whole interval after the enrolment, in a registered epoch, with parameters in force. */
function firstIntervalSeconds(parameters: Parameters, firstEpoch: number, fromSeconds: number): number {
  const earliest = Math.max(fromSeconds, epochStartSeconds(parameters, firstEpoch), parameters.effectiveFromSeconds);
  return intervalStartFrom(parameters, earliest);
}
