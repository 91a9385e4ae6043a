// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { BACK_ENDS, frozenVectors } from '../../test/support/frozen-vectors.js';
import { asciiBytes, fromHex, toHex } from '../crypto/bytes.js';
import { sodiumCrypto } from '../crypto/sodium.js';
import {
  consumerListDigest,
  decodeConsumerList,
  encodeConsumerList,
  signConsumerList,
  verifyConsumerListSignature,
} from './consumer-list.js';
import { MAXIMUM_CONSUMER_LIST_BYTES, MAXIMUM_METERS } from './limits.js';

type ConsumerListVectors = Readonly<Record<'controlCenterSeed' | 'controlCenterKey' | 'digest' | 'document', string>>;

const vectors = frozenVectors<ConsumerListVectors>('consumer-list');
const signed = decodeConsumerList(asciiBytes(vectors.document));

describe('consumer list', () => {
  for (const crypto of BACK_ENDS) {
    it(`matches the frozen vectors (${crypto.name})`, () => {
      const key = crypto.ed25519Key(fromHex(vectors.controlCenterSeed));
      assert.equal(toHex(key.publicKey), vectors.controlCenterKey);
      assert.deepEqual(signConsumerList(crypto, signed.list, key), signed);
      assert.equal(toHex(consumerListDigest(crypto, signed.list)), vectors.digest);
      assert.deepEqual(encodeConsumerList(signed), asciiBytes(vectors.document));
      verifyConsumerListSignature(crypto, signed, key.publicKey);
    });

    it(`is refused with another signature or content (${crypto.name})`, () => {
      const refused = (change: Partial<typeof signed>): void => {
        const changed = { ...signed, ...change };
        const verify = (): void => verifyConsumerListSignature(crypto, changed, fromHex(vectors.controlCenterKey));
        assert.throws(verify, { code: 'BAD_SIGNATURE' });
      };
      refused({ signature: signed.signature.with(0, signed.signature[0]! ^ 1) });
      refused({ list: { ...signed.list, epoch: 5 } });
      refused({ list: { ...signed.list, consumers: signed.list.consumers.slice(1) } });
    });
  }

  it('reads its one encoding only', () => {
    const { document } = vectors;
    assert.throws(() => decodeConsumerList(asciiBytes(` ${document}`)), { code: 'NON_CANONICAL' });
    assert.throws(() => decodeConsumerList(asciiBytes(document.replace('"epoch":4', '"epoch":65536'))), {
      code: 'MALFORMED',
    });
    assert.throws(() => decodeConsumerList(asciiBytes(document.replace('"epoch"', '"eboch"'))), { code: 'MALFORMED' });
  });

  it('has room for a household of every meter of a full region', () => {
    const consumers = Array.from({ length: MAXIMUM_METERS }, () => signed.list.serviceProviderKey);
    const bytes = encodeConsumerList({
      ...signed,
      list: { ...signed.list, region: 'somewher', epoch: 65_535, consumers },
    });
    assert.ok(bytes.length <= MAXIMUM_CONSUMER_LIST_BYTES, String(bytes.length));
    assert.equal(decodeConsumerList(bytes).list.consumers.length, MAXIMUM_METERS);
    const one = signConsumerList(sodiumCrypto, { ...signed.list, consumers: [...consumers, identity] }, key());
    assert.throws(() => decodeConsumerList(encodeConsumerList(one)), { code: 'LIMIT_EXCEEDED' });
  });
});

const identity = new Uint8Array(32);
const key = () => sodiumCrypto.ed25519Key(fromHex(vectors.controlCenterSeed));
