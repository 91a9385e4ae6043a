// SPDX-License-Identifier: Apache-2.0
import { asciiBytes, wipe } from '../../protocol/crypto/bytes.js';
import { KEY_LENGTH, type Crypto } from '../../protocol/crypto/crypto.js';
import { PuncturedTree } from '../../protocol/crypto/ggm.js';
import { hkdf } from '../../protocol/crypto/hash.js';
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
import { linkKeyFromSeed } from '../links/link-identity.js';
import { NO_CAP } from './energy.js';
import type { MeterState, PendingEnrolment } from './state.js';
import type { MeterStore } from './store.js';

const NO_SALT = new Uint8Array(0);

/** What an enrolment needs. */
export interface EnrolmentParts {
  readonly crypto: Crypto;
  readonly random: RandomSource;
  readonly store: MeterStore;
  /** One-use code of the control center, 16 bytes. */
  readonly code: Uint8Array;
  /** 32 bytes in a demo, from which the meter's keys come; otherwise they are random. */
  readonly seed: Uint8Array | undefined;
  /** Sends the request with the public half of the link key, DER. */
  readonly send: (request: EnrolmentRequest, linkKey: Uint8Array) => Promise<MeterEnrolment>;
}

/**
 * Enrols a meter, or goes on with an enrolment that a crash interrupted. The request is on the disk before it is sent
 * and is the same ever after, so the one-use code is never wasted. When this returns, sk_i and K_i are gone from memory
 * and from the file.
 *
 * @param pending an enrolment under way, from the meter's store
 * @param parameters the version in force; pk_CC and the times are the same in all of them
 * @param trustAnchor fingerprint of the control center's first signature key, 32 bytes
 * @param fromSeconds energy measured before is not reported
 * @throws ClientError ENROLMENT_REFUSED, UNREACHABLE, WRONG_PIN, BAD_ANSWER
 */
export async function enrolMeter(
  parts: EnrolmentParts,
  pending: PendingEnrolment | undefined,
  parameters: Parameters,
  trustAnchor: Uint8Array,
  fromSeconds: number,
): Promise<MeterState> {
  const { crypto, store, send } = parts;
  const begun = pending ?? (await begin(parts, parameters));
  const answer = await send(decodeEnrolmentRequest(begun.request), linkKeyFromSeed(begun.linkSeed).publicKey);
  const state = enrolledState(crypto, begun, answer, parameters, trustAnchor, fromSeconds);
  await store.write({ state });
  wipe(begun.secretKey);
  wipe(begun.meterKey);
  return state;
}

async function begin(parts: EnrolmentParts, parameters: Parameters): Promise<PendingEnrolment> {
  const { crypto, random, seed, code, store } = parts;
  const secret = (name: string): Uint8Array =>
    seed === undefined
      ? random(KEY_LENGTH)
      : hkdf(crypto, NO_SALT, seed, asciiBytes(`gridveil meter ${name}`), KEY_LENGTH);
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
  parameters: Parameters,
  trustAnchor: Uint8Array,
  fromSeconds: number,
): MeterState {
  const { firstEpoch, meterNumber, certificate } = answer;
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

/** Start of the first whole interval that is after the enrolment, in a registered epoch, and under parameters. */
function firstIntervalSeconds(parameters: Parameters, firstEpoch: number, fromSeconds: number): number {
  const earliest = Math.max(fromSeconds, epochStartSeconds(parameters, firstEpoch), parameters.effectiveFromSeconds);
  return intervalStartFrom(parameters, earliest);
}
