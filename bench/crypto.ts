// SPDX-License-Identifier: Apache-2.0
import { pathToFileURL } from 'node:url';
import type { Crypto } from '../protocol/crypto/crypto.js';
import { epochNode, oneTimeSeed } from '../protocol/crypto/ggm.js';
import { H } from '../protocol/crypto/hash.js';
import { hpkeOpen, hpkeSeal } from '../protocol/crypto/hpke.js';
import { merkleRoot } from '../protocol/crypto/merkle.js';
import { nobleCrypto } from '../protocol/crypto/noble.js';
import { sodiumCrypto } from '../protocol/crypto/sodium.js';
import { oneTimeKey } from '../protocol/identity/one-time-key.js';
import { Registry, RegistryPathChecker, registryPadding } from '../protocol/identity/registry.js';

/** Each figure is the best of several windows of this length: other work on the machine only ever slows one down. */
const WINDOW_MILLISECONDS = 60;
const WINDOWS = 5;

/** Bytes of one onion packet's sealed box, of one row and of a page: sizes that the protocol really uses. */
const PACKET_LENGTH = 512;
const ROW_LENGTH = 177;
const ROWS = 500;
/** A registry for 5,000 meters. */
const REGISTRY_DEPTH = 13;

function bytes(length: number, fill: number): Uint8Array {
  return new Uint8Array(length).fill(fill);
}

/** Microseconds of one call. */
function microseconds(operation: () => unknown): number {
  let best = Infinity;
  for (let window = 0; window <= WINDOWS; window++) {
    const start = process.hrtime.bigint();
    const end = start + BigInt(WINDOW_MILLISECONDS) * 1_000_000n;
    let calls = 0;
    let now = start;
    while (now < end) {
      for (let i = 0; i < 8; i++) {
        operation();
      }
      calls += 8;
      now = process.hrtime.bigint();
    }
    // The first window only warms up.
    if (window > 0) {
      best = Math.min(best, Number(now - start) / 1000 / calls);
    }
  }
  return Math.round(best * 100) / 100;
}

function operations(crypto: Crypto): Record<string, () => unknown> {
  const secret = bytes(32, 1);
  const publicKey = crypto.x25519PublicKey(secret);
  const info = bytes(18, 2);
  const aad = bytes(3, 3);
  const packet = bytes(PACKET_LENGTH, 5);
  const sealed = hpkeSeal(crypto, {
    ephemeralSecretKey: bytes(32, 4),
    recipientPublicKey: publicKey,
    info,
    aad,
    plaintext: packet,
  });
  const message = bytes(32, 6);
  const key = crypto.ed25519Key(bytes(32, 7));
  const signature = key.sign(message);
  const node = epochNode(crypto, secret, 1);
  const nodeInput = bytes(65, 8);
  const rows = Array.from({ length: ROWS }, (_, i) => bytes(ROW_LENGTH, i & 255));
  return {
    'SHA-256, 65 bytes': () => crypto.sha256(nodeInput),
    'pseudonym (HMAC-SHA-256)': () => H(crypto, secret, message),
    'GGM, 16 levels': () => oneTimeSeed(crypto, node, 0x5555),
    'Ed25519 key': () => crypto.ed25519Key(secret),
    'Ed25519 sign': () => key.sign(message),
    'Ed25519 verify': () => crypto.ed25519Verify(signature, message, key.publicKey),
    'one-time key and signature': () => oneTimeKey(crypto, node, 0x5555).sign(message),
    X25519: () => crypto.x25519(secret, publicKey),
    'HPKE seal, 512 bytes': () =>
      hpkeSeal(crypto, { ephemeralSecretKey: secret, recipientPublicKey: publicKey, info, aad, plaintext: packet }),
    'HPKE open, 512 bytes': () =>
      hpkeOpen(crypto, { recipientSecretKey: secret, recipientPublicKey: publicKey, info, aad, sealed }),
    'Merkle root, 500 rows': () => merkleRoot(crypto, rows),
  };
}

/** Registry paths as a page has them: 500 rows against one root. Microseconds per row. */
function registryPath(crypto: Crypto): number {
  const registry = new Registry(crypto, [], REGISTRY_DEPTH, registryPadding(crypto, bytes(32, 9), 0));
  const padding = registryPadding(crypto, bytes(32, 9), 0);
  const entries = Array.from({ length: ROWS }, (_, i) => {
    const leaf = padding(i * 10);
    return { leaf, ...registry.path(leaf) };
  });
  const page = microseconds(() => {
    const checker = new RegistryPathChecker(crypto, registry.root, REGISTRY_DEPTH);
    for (const { leaf, index, siblings } of entries) {
      checker.check(leaf, index, siblings);
    }
  });
  return Math.round((page / ROWS) * 100) / 100;
}

/** Microseconds per operation of the hot primitives on one core, by back end and name. */
export function benchCrypto(): Record<string, number> {
  const results: Record<string, number> = {};
  for (const crypto of [sodiumCrypto, nobleCrypto]) {
    for (const [name, operation] of Object.entries(operations(crypto))) {
      results[`${crypto.name}: ${name}`] = microseconds(operation);
    }
    results[`${crypto.name}: registry path, of 500`] = registryPath(crypto);
  }
  return results;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const [name, value] of Object.entries(benchCrypto())) {
    process.stdout.write(`${name.padEnd(40)}${value.toFixed(2).padStart(10)} µs\n`);
  }
}
