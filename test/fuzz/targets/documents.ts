// SPDX-License-Identifier: Apache-2.0
import { sodiumCrypto } from '../../../protocol/crypto/sodium.js';
import {
  decodeEnrolmentRequest,
  encodeEnrolmentRequest,
  openEnrolment,
  sealEnrolment,
} from '../../../protocol/identity/enrolment.js';
import {
  decodeParametersFile,
  decodeSealsFile,
  encodeParametersFile,
  encodeSealsFile,
} from '../../../protocol/ledger/bulletin.js';
import { encodeCanonical, parseCanonical } from '../../../protocol/ledger/canonical-json.js';
import { decodeConsumerList, encodeConsumerList } from '../../../protocol/ledger/consumer-list.js';
import { decodeHeader, encodeHeader } from '../../../protocol/ledger/header.js';
import { decodeSignedParameters, encodeSignedParameters } from '../../../protocol/ledger/parameters-json.js';
import { decodeRegistryRoot, encodeRegistryRoot } from '../../../protocol/ledger/registry-root.js';
import { decodeSignedSeal, encodeSignedSeal } from '../../../protocol/ledger/seal.js';
import { decodeSignedSuccessor, encodeSignedSuccessor } from '../../../protocol/ledger/successor.js';
import { checkDescriptor, checkDirectory } from '../../../protocol/onion/directory.js';
import {
  decodeSignedDescriptor,
  decodeSignedDirectory,
  type Directory,
  encodeSignedDescriptor,
  encodeSignedDirectory,
} from '../../../protocol/onion/directory-format.js';
import { makeLoop } from '../../../protocol/onion/loop.js';
import { splitRows } from '../../../protocol/ledger/page.js';
import { decodeSignedHeader, encodeSignedHeader } from '../../../protocol/ledger/signed-header.js';
import { checkHeader } from '../../../protocol/rules/check-header.js';
import { checkParameters, checkRegistryRoot, verifyParametersList } from '../../../protocol/rules/check-parameters.js';
import { checkSuccessor } from '../../../protocol/rules/check-successor.js';
import { intervalContext } from '../../../protocol/rules/interval-context.js';
import {
  checkPriceEvidence,
  decodePriceEvidence,
  encodePriceEvidence,
  findPriceEvidence,
  type PriceEvidence,
} from '../../../protocol/rules/price-evidence.js';
import { priceOf, tariffFromJson, tariffToJson } from '../../../protocol/tariff/tariff.js';
import { sealsOf } from '../../support/bulletin.js';
import { IntervalMaker } from '../../support/interval.js';
import { osRandom } from '../../support/links.js';
import { MemoryBulletin } from '../../support/memory-bulletin.js';
import { FakeRegion } from '../../support/region.js';
import { utf8, type FuzzTarget } from '../input.js';
import { jsonCodec } from '../target.js';

const MAXIMUM_TARIFF_BYTES = 10_000;

const region = new FakeRegion();
const interval = new IntervalMaker(region).next(new Array<number>(12).fill(1));
const context = intervalContext(sodiumCrypto, region.parameters, interval.ledgerId.startSeconds);
const expected = {
  region: region.region,
  epoch: 0,
  layers: region.parameters.onion.layers,
  timing: region.parameters,
  signaturePublicKey: region.controlCenter.publicKey,
};
const center = region.parameters.controlCenter;
const directory = region.directory(0);
const successor = region.successor('billing', interval.ledgerId.startSeconds, region.otherProvider('successor'));
/** Of an interval whose price the service provider signed 1,000 too high. */
function wrongPriceEvidence(): PriceEvidence {
  const { startSeconds } = interval.ledgerId;
  const bulletin = new MemoryBulletin(region);
  bulletin.seal(startSeconds, splitRows(interval.consumption.rows), 'pricing', { price: (price) => price + 1_000n });
  const files = [...bulletin.files].map(([path, bytes]) => [path.replace(`${startSeconds}/`, ''), bytes] as const);
  return findPriceEvidence(sodiumCrypto, [region.signedParameters], new Map(files))!;
}

/** Signed documents and everything else that is canonical JSON. */
export const targets: readonly FuzzTarget[] = [
  jsonCodec('canonical-json', {
    decode: (bytes) => parseCanonical(bytes, MAXIMUM_TARIFF_BYTES),
    encode: encodeCanonical,
    seeds: () => [utf8('{"a":[true,false,{"b":"\\"\\\\"}],"c":9007199254740991}'), utf8('[]'), utf8('"x"'), utf8('0')],
  }),
  jsonCodec('header', {
    decode: decodeHeader,
    encode: encodeHeader,
    use: (header) => checkHeader(header, context),
    seeds: () => (['consumption', 'pricing', 'billing'] as const).map((kind) => encodeHeader(interval[kind].header)),
  }),
  jsonCodec('signed-header', {
    decode: decodeSignedHeader,
    encode: encodeSignedHeader,
    seeds: () => [encodeSignedHeader(interval.pricing), encodeSignedHeader(interval.billing)],
  }),
  jsonCodec('seal', {
    decode: decodeSignedSeal,
    encode: encodeSignedSeal,
    seeds: () => (['consumption', 'pricing', 'billing'] as const).map((kind) => encodeSignedSeal(interval[kind].seal)),
  }),
  jsonCodec('seals-file', {
    decode: decodeSealsFile,
    encode: encodeSealsFile,
    seeds: () => [encodeSealsFile(sealsOf(interval)), encodeSealsFile({ consumption: sealsOf(interval).consumption })],
  }),
  jsonCodec('parameters', {
    decode: decodeSignedParameters,
    encode: encodeSignedParameters,
    use: (signed) => checkParameters(sodiumCrypto, signed),
    seeds: () => [encodeSignedParameters(region.signedParameters)],
  }),
  jsonCodec('parameters-file', {
    decode: decodeParametersFile,
    encode: encodeParametersFile,
    use: (versions) => verifyParametersList(sodiumCrypto, versions),
    seeds: () => [
      encodeParametersFile([region.signedParameters]),
      encodeParametersFile([{ ...region.signedParameters, successors: { billing: successor } }]),
      encodeParametersFile([]),
    ],
  }),
  jsonCodec('tariff', {
    decode: (bytes) => tariffFromJson(parseCanonical(bytes, MAXIMUM_TARIFF_BYTES)),
    encode: (tariff) => encodeCanonical(tariffToJson(tariff)),
    use: (tariff) => priceOf(tariff, 123_456_789n, 7),
    seeds: () => [encodeCanonical(tariffToJson(region.parameters.tariff))],
  }),
  jsonCodec('registry-root', {
    decode: decodeRegistryRoot,
    encode: encodeRegistryRoot,
    use: (signed) => checkRegistryRoot(sodiumCrypto, signed, region.parameters),
    seeds: () => [encodeRegistryRoot(region.registryRoot(0))],
  }),
  jsonCodec('successor', {
    decode: decodeSignedSuccessor,
    encode: encodeSignedSuccessor,
    use: (signed) => checkSuccessor(sodiumCrypto, signed, region.parameters),
    seeds: () => [encodeSignedSuccessor(successor)],
  }),
  jsonCodec('consumer-list', {
    decode: decodeConsumerList,
    encode: encodeConsumerList,
    seeds: () => [encodeConsumerList(region.consumerList(0))],
  }),
  jsonCodec('descriptor', {
    decode: decodeSignedDescriptor,
    encode: encodeSignedDescriptor,
    use: (signed) => checkDescriptor(sodiumCrypto, signed, expected),
    seeds: () => directory.directory.relays.map(encodeSignedDescriptor),
  }),
  jsonCodec('directory', {
    decode: decodeSignedDirectory,
    encode: encodeSignedDirectory,
    use: (signed) => checkDirectory(sodiumCrypto, signed, expected),
    seeds: () => [encodeSignedDirectory(directory)],
  }),
  jsonCodec('evidence', {
    decode: decodePriceEvidence,
    encode: encodePriceEvidence,
    use: (found) => checkPriceEvidence(sodiumCrypto, found),
    seeds: () => [encodePriceEvidence(wrongPriceEvidence())],
  }),
  jsonCodec('enrolment-request', {
    decode: decodeEnrolmentRequest,
    encode: encodeEnrolmentRequest,
    use: (request) => openEnrolment(sodiumCrypto, region.secret('control center x25519'), center.publicKey, request),
    seeds: () => [
      encodeEnrolmentRequest(
        sealEnrolment(sodiumCrypto, {
          code: region.secret('code').subarray(0, 16),
          linkPin: region.secret('pin'),
          secretKey: region.secret('sk'),
          meterKey: region.secret('K'),
          controlCenterPublicKey: center.publicKey,
          ephemeralSecretKey: region.secret('ephemeral'),
        }),
      ),
    ],
  }),
  jsonCodec('loop', {
    decode: decodeUsableDirectory,
    // Whatever the control center may sign: who has checked a directory can send through it.
    use: (checked) => {
      for (const maker of ['control-center', ...checked.relays.map((_, relay) => ({ relay }))] as const) {
        try {
          makeLoop(sodiumCrypto, { directory: checked, maker, delays: region.parameters.onion, random: osRandom });
        } catch (cause) {
          throw new Error('no loop through a checked directory', { cause });
        }
      }
    },
    seeds: () => [encodeSignedDirectory(directory)],
  }),
];

/** A directory that passes all checks but those of signatures, which its signer can make. */
function decodeUsableDirectory(bytes: Uint8Array): Directory {
  const signed = decodeSignedDirectory(bytes);
  checkDirectory({ ...sodiumCrypto, ed25519Verify: () => true }, signed, expected);
  return signed.directory;
}
