// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../crypto/bytes.js';
import { DIGEST_LENGTH, KEY_LENGTH, SIGNATURE_LENGTH, type SigningKey, type Crypto } from '../crypto/crypto.js';
import { IDENTITY_MODES } from '../identity/pseudonym-scheme.js';
import { MAXIMUM_REGISTRY_DEPTH } from '../identity/registry.js';
import { tariffFromJson, tariffToJson } from '../tariff/tariff.js';
import { MAXIMUM_LAYERS, ROW_PLACES } from '../onion/geometry.js';
import {
  encodeCanonical,
  type JsonObject,
  type JsonValue,
  parseCanonical,
  readAmount,
  readAnyObject,
  readArray,
  readBoolean,
  readHex,
  readInteger,
  readObject,
  readOneOf,
  readString,
} from './canonical-json.js';
import { checkRegion, REGION_LENGTH } from './ledger-id.js';
import {
  CATEGORY_COUNT,
  MAXIMUM_CONNECTION_WATTS,
  MAXIMUM_METERS,
  MAXIMUM_MSP_ID_LENGTH,
  MAXIMUM_PARAMETER_VERSIONS,
  MAXIMUM_PARAMETERS_BYTES,
  MAXIMUM_SECONDS,
  ROWS_PER_PAGE,
} from './limits.js';
import {
  type ControlCenterParameters,
  type OnionParameters,
  type Parameters,
  PRICE_MODES,
  type SignedParameters,
} from './parameters.js';
import { digest } from '../crypto/hash.js';
import { ProtocolError } from '../errors.js';
import { DAY_SECONDS } from '../schedule/intervals.js';
import { signDocument, verifyDocument } from './document.js';
import { PROVIDED_KINDS } from './row.js';
import { serviceProviderFromJson, serviceProviderToJson } from './service-provider.js';
import { signedSuccessorFromJson, signedSuccessorToJson, type Successors } from './successor.js';

/** Longest mean delay of a hop: a packet must arrive within the grace. */
const MAXIMUM_MEAN_DELAY_MILLISECONDS = 60_000;

/** Bounds of the time before a successor can be named: an hour to a year. */
const MINIMUM_SUCCESSOR_SECONDS = 3_600;
const MAXIMUM_SUCCESSOR_SECONDS = 365 * DAY_SECONDS;

/** A signed version as JSON, as in a list of versions: with the successors of its service provider. */
export function signedParametersToJson({ successors, ...signed }: SignedParameters): JsonObject {
  return {
    ...versionToJson(signed),
    ...(successors === undefined ? {} : { successors: successorsToJson(successors) }),
  };
}

/**
 * Reads a signed version with the successors of its service provider from JSON.
 *
 * @throws ProtocolError `MALFORMED`, `LIMIT_EXCEEDED`, `TARIFF_INVALID`
 */
export function signedParametersFromJson(value: JsonValue): SignedParameters {
  const { successors, ...version } = readAnyObject(value);
  return {
    ...versionFromJson(version),
    ...(successors === undefined ? {} : { successors: successorsFromJson(successors) }),
  };
}

function versionToJson({ parameters, signature }: SignedParameters): JsonObject {
  return { parameters: parametersToJson(parameters), signature: toHex(signature) };
}

function versionFromJson(value: JsonValue): SignedParameters {
  const fields = readObject(value, ['parameters', 'signature']);
  return { parameters: parametersFromJson(fields.parameters), signature: readHex(fields.signature, SIGNATURE_LENGTH) };
}

function successorsToJson(successors: Successors): JsonObject {
  const entries = PROVIDED_KINDS.flatMap((kind): [string, JsonValue][] => {
    const signed = successors[kind];
    return signed === undefined ? [] : [[kind, signedSuccessorToJson(signed)]];
  });
  return Object.fromEntries(entries);
}

function successorsFromJson(value: JsonValue): Successors {
  const json = readAnyObject(value);
  const kinds = PROVIDED_KINDS.filter((kind) => Object.hasOwn(json, kind));
  const fields = readObject(json, kinds);
  if (kinds.length === 0) {
    throw new ProtocolError('MALFORMED', 'successors name no ledger');
  }
  const entries = kinds.map((kind) => {
    const signed = signedSuccessorFromJson(fields[kind]);
    if (signed.successor.kind !== kind) {
      throw new ProtocolError('MALFORMED', `the successor under ${kind} is of another ledger`);
    }
    return [kind, signed] as const;
  });
  return Object.fromEntries(entries);
}

/** A version as JSON, without its signature. */
export function parametersToJson(parameters: Parameters): JsonObject {
  const { controlCenter, serviceProvider, onion, maximumConnectionWatts, successorAfterSeconds } = parameters;
  return {
    version: parameters.version,
    region: parameters.region,
    effectiveFromSeconds: parameters.effectiveFromSeconds,
    intervalSeconds: parameters.intervalSeconds,
    slotSeconds: parameters.slotSeconds,
    graceSeconds: parameters.graceSeconds,
    epochOriginSeconds: parameters.epochOriginSeconds,
    epochSeconds: parameters.epochSeconds,
    categoriesMilliWattHours: parameters.categoriesMilliWattHours.map(String),
    ...(maximumConnectionWatts === undefined ? {} : { maximumConnectionWatts }),
    kAnonymity: parameters.kAnonymity,
    rowsPerPage: parameters.rowsPerPage,
    rowsPerPacket: parameters.rowsPerPacket,
    registryDepth: parameters.registryDepth,
    identityMode: parameters.identityMode,
    priceMode: parameters.priceMode,
    onion: {
      layers: onion.layers,
      meanDelayMilliseconds: onion.meanDelayMilliseconds,
      maximumDelayMeans: onion.maximumDelayMeans,
      offsetWindowSeconds: onion.offsetWindowSeconds,
    },
    tariff: tariffToJson(parameters.tariff),
    tariffSignature: toHex(parameters.tariffSignature),
    controlCenter: {
      mspId: controlCenter.mspId,
      publicKey: toHex(controlCenter.publicKey),
      signaturePublicKey: toHex(controlCenter.signaturePublicKey),
    },
    serviceProvider: serviceProviderToJson(serviceProvider),
    ...(successorAfterSeconds === undefined ? {} : { successorAfterSeconds }),
    demo: parameters.demo,
    previous: toHex(parameters.previous),
  };
}

function parametersFromJson(value: JsonValue): Parameters {
  const { maximumConnectionWatts, successorAfterSeconds, ...required } = readAnyObject(value);
  const fields = readObject(required, [
    'version',
    'region',
    'effectiveFromSeconds',
    'intervalSeconds',
    'slotSeconds',
    'graceSeconds',
    'epochOriginSeconds',
    'epochSeconds',
    'categoriesMilliWattHours',
    'kAnonymity',
    'rowsPerPage',
    'rowsPerPacket',
    'registryDepth',
    'identityMode',
    'priceMode',
    'onion',
    'tariff',
    'tariffSignature',
    'controlCenter',
    'serviceProvider',
    'demo',
    'previous',
  ]);
  const seconds = (member: JsonValue, minimum: number) => readInteger(member, minimum, MAXIMUM_SECONDS);
  return {
    version: readInteger(fields.version, 1, MAXIMUM_PARAMETER_VERSIONS),
    region: checkRegion(readString(fields.region, REGION_LENGTH)),
    effectiveFromSeconds: seconds(fields.effectiveFromSeconds, 0),
    intervalSeconds: seconds(fields.intervalSeconds, 1),
    slotSeconds: seconds(fields.slotSeconds, 1),
    graceSeconds: seconds(fields.graceSeconds, 0),
    epochOriginSeconds: seconds(fields.epochOriginSeconds, 0),
    epochSeconds: seconds(fields.epochSeconds, 1),
    categoriesMilliWattHours: readArray(fields.categoriesMilliWattHours, CATEGORY_COUNT, readAmount),
    ...(maximumConnectionWatts === undefined
      ? {}
      : { maximumConnectionWatts: readInteger(maximumConnectionWatts, 1, MAXIMUM_CONNECTION_WATTS) }),
    kAnonymity: readInteger(fields.kAnonymity, 2, MAXIMUM_METERS),
    rowsPerPage: readInteger(fields.rowsPerPage, ROWS_PER_PAGE, ROWS_PER_PAGE),
    rowsPerPacket: readInteger(fields.rowsPerPacket, 1, ROW_PLACES),
    registryDepth: readInteger(fields.registryDepth, 0, MAXIMUM_REGISTRY_DEPTH),
    identityMode: readOneOf(fields.identityMode, IDENTITY_MODES),
    priceMode: readOneOf(fields.priceMode, PRICE_MODES),
    onion: onionFromJson(fields.onion),
    tariff: tariffFromJson(fields.tariff),
    tariffSignature: readHex(fields.tariffSignature, SIGNATURE_LENGTH),
    controlCenter: controlCenterFromJson(fields.controlCenter),
    serviceProvider: serviceProviderFromJson(fields.serviceProvider),
    ...(successorAfterSeconds === undefined
      ? {}
      : {
          successorAfterSeconds: readInteger(
            successorAfterSeconds,
            MINIMUM_SUCCESSOR_SECONDS,
            MAXIMUM_SUCCESSOR_SECONDS,
          ),
        }),
    demo: readBoolean(fields.demo),
    previous: readHex(fields.previous, DIGEST_LENGTH),
  };
}

function onionFromJson(value: JsonValue): OnionParameters {
  const fields = readObject(value, ['layers', 'meanDelayMilliseconds', 'maximumDelayMeans', 'offsetWindowSeconds']);
  return {
    layers: readInteger(fields.layers, 1, MAXIMUM_LAYERS),
    meanDelayMilliseconds: readInteger(fields.meanDelayMilliseconds, 0, MAXIMUM_MEAN_DELAY_MILLISECONDS),
    maximumDelayMeans: readInteger(fields.maximumDelayMeans, 1, 100),
    offsetWindowSeconds: readInteger(fields.offsetWindowSeconds, 0, MAXIMUM_SECONDS),
  };
}

function controlCenterFromJson(value: JsonValue): ControlCenterParameters {
  const fields = readObject(value, ['mspId', 'publicKey', 'signaturePublicKey']);
  return {
    mspId: readString(fields.mspId, MAXIMUM_MSP_ID_LENGTH),
    publicKey: readHex(fields.publicKey, KEY_LENGTH),
    signaturePublicKey: readHex(fields.signaturePublicKey, KEY_LENGTH),
  };
}

/** Canonical JSON of a version without its signature. */
export function encodeParameters(parameters: Parameters): Uint8Array {
  return encodeCanonical(parametersToJson(parameters));
}

/** Digest of a version, which seals and the next version bind: SHA-256(prefix('parameters') ‖ canonical bytes). */
export function parametersDigest(crypto: Crypto, parameters: Parameters): Uint8Array {
  return digest(crypto, 'parameters', encodeParameters(parameters));
}

/** Signs a version with CC's key: its own for version 1, that of the version before for later ones. */
export function signParameters(crypto: Crypto, parameters: Parameters, key: SigningKey): SignedParameters {
  return { parameters, signature: signDocument(crypto, 'parameters', encodeParameters(parameters), key) };
}

/** Checks CC's signature. @throws ProtocolError `BAD_SIGNATURE` */
export function verifyParametersSignature(crypto: Crypto, signed: SignedParameters, publicKey: Uint8Array): void {
  verifyDocument(crypto, 'parameters', encodeParameters(signed.parameters), { signature: signed.signature, publicKey });
}

/** Canonical JSON `{"parameters":{…},"signature":"…"}`, as on the ledger. */
export function encodeSignedParameters(signed: SignedParameters): Uint8Array {
  return encodeCanonical(versionToJson(signed));
}

/** Reads a signed version as on the ledger; `rules/check-parameters` judges it. @throws ProtocolError as `parseCanonical` and the readers */
export function decodeSignedParameters(bytes: Uint8Array): SignedParameters {
  return versionFromJson(parseCanonical(bytes, MAXIMUM_PARAMETERS_BYTES));
}
