// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { toHex } from '../../protocol/crypto/bytes.js';
import { encodeEnrolmentRequest, type EnrolmentRequest } from '../../protocol/identity/enrolment.js';
import { MAXIMUM_CONNECTION_WATTS } from '../../protocol/ledger/limits.js';
import { MAXIMUM_LAYERS } from '../../protocol/onion/geometry.js';
import { hexBytes, operatorName } from '../runtime/config.js';
import { ClientError } from '../runtime/errors.js';
import { answerReason, PinnedHttps } from './pinned-https.js';

/** Paths of the control center's enrolment service. */
export const METER_ENROLMENT_PATH = '/enrol';
export const HUB_ENROLMENT_PATH = '/enrol-hub';
export const RELAY_ENROLMENT_PATH = '/enrol-relay';

/** Longest enrolment request and answer, bytes; the answer carries the parameter versions. */
export const MAXIMUM_ENROLMENT_REQUEST_LENGTH = 4_096;
export const MAXIMUM_ENROLMENT_ANSWER_LENGTH = 4_000_000;

/** Reasons for which the control center refuses an enrolment. Messages contain no more than the code. */
export type EnrolmentRefusal =
  /** Not JSON of the request's form. */
  | 'MALFORMED'
  /** No such code was issued. */
  | 'UNKNOWN_CODE'
  /** The code is bound to another key. */
  | 'CODE_USED'
  /** The key is enrolled under another code. */
  | 'KEY_ENROLLED'
  /** The public key is not canonical, or yields no shared secret. */
  | 'BAD_KEY'
  /** The MAC does not show knowledge of sk_i, or the sealed meter key does not open. */
  | 'BAD_PROOF'
  /** The link key is not a P-256 key, or not the one whose pin is in the request. */
  | 'BAD_LINK_KEY'
  /** The region holds as many meters, hubs or relays as it can. */
  | 'REGION_FULL'
  /** Too many attempts; try again later. */
  | 'TOO_MANY_REQUESTS';

/** Response to a meter's valid request; the same request gets the same response. */
export interface MeterEnrolment {
  /** Its number in packet hints: 0 … 2^32 − 1, known to it and the control center only. */
  readonly meterNumber: number;
  /** First registry epoch in which it is registered. */
  readonly firstEpoch: number;
  /** Power of its connection, W: it reports no more energy in a window. */
  readonly connectionLimitWatts: number;
  /** Certificate of its link key, PEM, from the control center's link authority. */
  readonly certificate: string;
  /** The bytes of `parameters.json`, to be verified before use. */
  readonly parameters: Uint8Array;
}

/** Response to a hub. */
export type HubEnrolment = Pick<MeterEnrolment, 'certificate' | 'parameters'>;

/** Response to a household's relay: its place in the tier. */
export interface RelayEnrolment {
  /** Name of its operator in the directory. */
  readonly operator: string;
  /** 1 is where packets enter. */
  readonly layer: number;
}

const pem = z.string().max(4_096);
const hubAnswer = z.strictObject({ certificate: pem, parameters: bytes() });
const meterAnswer = z.strictObject({
  meterNumber: z.int().min(0).max(0xffff_ffff),
  firstEpoch: z.int().min(0).max(0xffff),
  connectionLimitWatts: z.int().min(1).max(MAXIMUM_CONNECTION_WATTS),
  certificate: pem,
  parameters: bytes(),
});

const relayAnswer = z.strictObject({
  operator: operatorName,
  layer: z.int().min(1).max(MAXIMUM_LAYERS),
});

/** Hexadecimal bytes of any length; the answer as a whole is bounded. */
function bytes(): z.ZodType<Uint8Array, string> {
  return z
    .string()
    .regex(/^([0-9a-f]{2})*$/)
    .transform((text) => Uint8Array.from(Buffer.from(text, 'hex')));
}

/**
 * Enrols a meter. Safe to repeat after a crash with the same request: the code is bound to `pk_i` on first use.
 *
 * @param address of the region's bulletin server, which forwards to the control center, and the pin of its key
 * @param request from `protocol/identity/enrolment`
 * @param linkKey SubjectPublicKeyInfo of the meter's link key, DER; the request's `linkPin` is its SHA-256
 * @throws ClientError ENROLMENT_REFUSED (the message is an {@link EnrolmentRefusal}), UNREACHABLE, WRONG_PIN,
 *   BAD_ANSWER
 */
export function enrol(
  address: { url: string; pin: Uint8Array },
  request: EnrolmentRequest,
  linkKey: Uint8Array,
): Promise<MeterEnrolment> {
  const body = { request: new TextDecoder().decode(encodeEnrolmentRequest(request)), linkKey: toHex(linkKey) };
  return exchange(address, METER_ENROLMENT_PATH, body, meterAnswer);
}

/**
 * Enrols a home hub: it presents nothing but its one-use code and gets a certificate for its link key.
 *
 * @param priceKey pk_{U_i}: where each consumer gets its own price rows, the key that the service provider learns
 * @throws ClientError as {@link enrol}
 */
export function enrolHub(
  address: { url: string; pin: Uint8Array },
  code: Uint8Array,
  linkKey: Uint8Array,
  priceKey: Uint8Array,
): Promise<HubEnrolment> {
  const body = { code: toHex(code), linkKey: toHex(linkKey), priceKey: toHex(priceKey) };
  return exchange(address, HUB_ENROLMENT_PATH, body, hubAnswer);
}

/**
 * Enrols a household's relay. Safe to repeat: the code is bound to the relay's keys on first use, and the answer stays.
 *
 * @param code 16 bytes
 * @param identity Ed25519 key that signs its descriptors, 32 bytes
 * @param linkPin SHA-256 of the SubjectPublicKeyInfo of its link key
 * @throws ClientError as {@link enrol}
 */
export function enrolRelay(
  address: { url: string; pin: Uint8Array },
  code: Uint8Array,
  identity: Uint8Array,
  linkPin: Uint8Array,
): Promise<RelayEnrolment> {
  const body = { code: toHex(code), identity: toHex(identity), linkPin: toHex(linkPin) };
  return exchange(address, RELAY_ENROLMENT_PATH, body, relayAnswer);
}

async function exchange<T>(
  address: { url: string; pin: Uint8Array },
  path: string,
  body: Record<string, string>,
  schema: z.ZodType<T>,
): Promise<T> {
  const https = new PinnedHttps(address.url, address.pin);
  try {
    const bytes = new TextEncoder().encode(JSON.stringify(body));
    const answer = await https.post(path, bytes, MAXIMUM_ENROLMENT_ANSWER_LENGTH);
    if (answer.status >= 400 && answer.status < 500) {
      throw new ClientError('ENROLMENT_REFUSED', answerReason(answer));
    }
    if (answer.status !== 200) {
      throw new ClientError('UNREACHABLE', answerReason(answer));
    }
    return schema.parse(JSON.parse(new TextDecoder().decode(answer.body)));
  } catch (cause) {
    if (cause instanceof ClientError) {
      throw cause;
    }
    throw new ClientError('BAD_ANSWER', `${path}: not an enrolment answer`, { cause });
  } finally {
    https.close();
  }
}

/** Form of the requests, for the server. */
export const meterEnrolmentBody = z.strictObject({ request: z.string(), linkKey: bytes() });
export const hubEnrolmentBody = z.strictObject({ code: hexBytes(16), linkKey: bytes(), priceKey: hexBytes(32) });
export const relayEnrolmentBody = z.strictObject({ code: hexBytes(16), identity: hexBytes(32), linkPin: hexBytes(32) });
