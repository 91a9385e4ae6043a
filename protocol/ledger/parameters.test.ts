// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { anySignedParameters } from '../../test/support/arbitraries.js';
import { sodiumCrypto } from '../crypto/sodium.js';
import { FakeRegion } from '../../test/support/region.js';
import { decodeParametersFile, encodeParametersFile } from './bulletin.js';
import type { JsonObject } from './canonical-json.js';
import {
  MAXIMUM_ENERGY_MILLIWATT_HOURS,
  MAXIMUM_PARAMETER_VERSIONS,
  MAXIMUM_PARAMETERS_BYTES,
  MAXIMUM_PRICE_NANO_PER_KILOWATT_HOUR,
  MAXIMUM_SECONDS,
  MAXIMUM_TARIFF_POINTS,
} from './limits.js';
import { fingerprint, maximumRowsPerMeter, type Parameters } from './parameters.js';
import { slotsPerInterval } from '../schedule/slots.js';
import { decodeSignedParameters, encodeSignedParameters, parametersDigest } from './parameters-json.js';
import { signedParametersFromJson, signedParametersToJson } from './parameters-json.js';

const { signedParameters, parameters } = new FakeRegion({ meters: 1 });

describe('parameters', () => {
  it('read back what they write', () => {
    fc.assert(
      fc.property(anySignedParameters, (signed) => {
        const bytes = encodeSignedParameters(signed);
        assert.ok(bytes.length <= MAXIMUM_PARAMETERS_BYTES);
        assert.deepEqual(decodeSignedParameters(bytes), signed);
      }),
    );
    const list = [signedParameters, signedParameters];
    assert.deepEqual(decodeParametersFile(encodeParametersFile(list)), list);
  });

  it('fit their limit with the longest value in every field', () => {
    const points = Array.from({ length: MAXIMUM_TARIFF_POINTS }, (_, i) => ({
      perMeterMilliWattHours: MAXIMUM_ENERGY_MILLIWATT_HOURS - BigInt(MAXIMUM_TARIFF_POINTS - 1 - i),
      priceNanoPerKilowattHour: MAXIMUM_PRICE_NANO_PER_KILOWATT_HOUR,
    }));
    const longest = Object.fromEntries(
      Object.entries(parameters).map(([name, value]) => [name, name.endsWith('Seconds') ? MAXIMUM_SECONDS : value]),
    ) as unknown as Parameters;
    const [controlCenter, serviceProvider] = [longest.controlCenter, longest.serviceProvider].map((party) => ({
      ...party,
      mspId: '"'.repeat(64),
    })) as unknown as [typeof longest.controlCenter, typeof longest.serviceProvider];
    const { length } = encodeSignedParameters({
      ...signedParameters,
      parameters: {
        ...longest,
        version: MAXIMUM_PARAMETER_VERSIONS,
        region: 'somewher',
        categoriesMilliWattHours: Array.from({ length: 5 }, () => 2n ** 128n - 1n),
        identityMode: 'encryption',
        onion: {
          layers: 8,
          meanDelayMilliseconds: 60_000,
          maximumDelayMeans: 100,
          offsetWindowSeconds: MAXIMUM_SECONDS,
        },
        tariff: { points },
        controlCenter,
        serviceProvider,
        demo: false,
      },
    });
    assert.ok(length + 1 <= MAXIMUM_PARAMETERS_BYTES, String(length));
  });

  it('have a digest of their content, not of their signature', () => {
    const digest = parametersDigest(sodiumCrypto, parameters);
    const resigned = { ...signedParameters, signature: new Uint8Array(64) };
    assert.deepEqual(parametersDigest(sodiumCrypto, resigned.parameters), digest);
    assert.notDeepEqual(parametersDigest(sodiumCrypto, { ...parameters, demo: false }), digest);
  });

  it('say how much a meter may send', () => {
    assert.equal(slotsPerInterval(parameters), 6);
    assert.equal(maximumRowsPerMeter(parameters), 18);
  });

  it('name CC by the plain SHA-256 of its signature key', () => {
    const { signaturePublicKey } = parameters.controlCenter;
    const expected = createHash('sha256').update(signaturePublicKey).digest('hex');
    assert.equal(fingerprint(sodiumCrypto, signaturePublicKey), expected);
  });

  it('refuse fields of another type or out of range', () => {
    const json = signedParametersToJson(signedParameters);
    const content = json['parameters'] as JsonObject;
    const refused = (change: JsonObject, code = 'MALFORMED') => {
      const value = { ...json, parameters: { ...content, ...change } };
      assert.throws(() => signedParametersFromJson(value), { code }, JSON.stringify(change));
    };
    refused({ version: 0 });
    refused({ version: 4_097 });
    refused({ region: 'London' });
    refused({ intervalSeconds: 0 });
    refused({ slotSeconds: 0 });
    refused({ kAnonymity: 1 });
    refused({ rowsPerPage: 499 });
    refused({ registryDepth: 21 });
    refused({ rowsPerPacket: 4 });
    refused({ identityMode: 'plain' });
    refused({ priceMode: 'plain' });
    refused({ demo: 1 });
    refused({ previous: '' });
    refused({ categoriesMilliWattHours: [1, 2, 3, 4, 5] });
    refused({ categoriesMilliWattHours: ['1', '2', '3', '4', '5', '6'] }, 'LIMIT_EXCEEDED');
    refused({ tariff: { points: [] } }, 'TARIFF_INVALID');
    refused({ onion: { ...(content['onion'] as JsonObject), layers: 0 } });
    refused({ controlCenter: { ...(content['controlCenter'] as JsonObject), mspId: '' } });
    refused({ serviceProvider: { ...(content['serviceProvider'] as JsonObject), identity: 'ab' } });
    refused({ extra: 1 });
  });
});
