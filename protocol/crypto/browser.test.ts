// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { toHex } from './bytes.js';
import { hpkeSeal } from './hpke.js';
import { sodiumCrypto } from './sodium.js';

/** A program as a page would have it: the portable back end and what uses it. */
const PROGRAM = `
  import { nobleCrypto } from './noble.js';
  import { hpkeSeal } from './hpke.js';
  import { toHex } from './bytes.js';
  const key = new Uint8Array(32).fill(9);
  const publicKey = nobleCrypto.x25519PublicKey(key);
  globalThis.result = toHex(hpkeSeal(nobleCrypto, {
    ephemeralSecretKey: key, recipientPublicKey: publicKey, info: key, aad: key, plaintext: key,
  }));
`;

describe('the portable back end', () => {
  it('needs nothing of Node: a browser bundle of it gives the same bytes', async function () {
    this.timeout(20_000);
    const bundle = await build({
      stdin: { contents: PROGRAM, resolveDir: dirname(fileURLToPath(import.meta.url)) },
      bundle: true,
      platform: 'browser',
      format: 'iife',
      write: false,
      logLevel: 'silent',
    });
    // A context without `process`, `Buffer` or `require`; esbuild itself fails on an import of node:.
    const page = createContext({ TextEncoder, crypto }) as { result?: string };
    runInContext(bundle.outputFiles[0]!.text, page);
    const key = new Uint8Array(32).fill(9);
    assert.equal(
      page.result,
      toHex(
        hpkeSeal(sodiumCrypto, {
          ephemeralSecretKey: key,
          recipientPublicKey: sodiumCrypto.x25519PublicKey(key),
          info: key,
          aad: key,
          plaintext: key,
        }),
      ),
    );
  });
});
