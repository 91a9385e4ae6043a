// SPDX-License-Identifier: Apache-2.0
import { equalBytes } from '../../protocol/crypto/bytes.js';
import { ProtocolError } from '../../protocol/errors.js';
import { encodeCanonical, type JsonValue } from '../../protocol/ledger/canonical-json.js';
import { LedgerError } from '../../client-apps/ledger/ledger-error.js';
import { ClientError } from '../../client-apps/runtime/errors.js';
import { TopologyError } from '../../network/topology/errors.js';
import { textOf, type FuzzTarget } from './input.js';

/** The layers whose errors have a stable code; anything else that comes out is a fault. */
const LAYER_ERRORS = [ProtocolError, ClientError, LedgerError, TopologyError];

/** Whether an error is a refusal with a code. */
export function isRefusal(error: unknown): boolean {
  return LAYER_ERRORS.some((layer) => error instanceof layer);
}

/** The result, or undefined for a refusal with a code. */
export function attempt<T>(decode: () => T): { readonly value: T } | undefined {
  try {
    return { value: decode() };
  } catch (error) {
    if (isRefusal(error)) {
      return undefined;
    }
    throw error;
  }
}

/** {@link attempt} of something that takes time. */
export async function attemptAsync(decode: () => unknown): Promise<boolean> {
  try {
    await decode();
    return true;
  } catch (error) {
    if (isRefusal(error)) {
      return false;
    }
    throw error;
  }
}

/** What a codec's target needs. */
export interface Codec<T> {
  readonly decode: (bytes: Uint8Array) => T;
  /** Absent where an accepted value may have several spellings by design. */
  readonly encode?: (value: T) => Uint8Array;
  readonly seeds: FuzzTarget['seeds'];
  /** What else is done with an accepted value; refusals with a code are expected. */
  readonly use?: (value: T) => unknown;
}

/** A decoder: refusals have a code, and what it accepts has one encoding. */
export function codec<T>(name: string, { decode, encode, seeds, use }: Codec<T>): FuzzTarget {
  return {
    name,
    seeds,
    run(bytes) {
      const decoded = attempt(() => decode(bytes));
      if (decoded === undefined) {
        return false;
      }
      if (encode !== undefined && !equalBytes(encode(decoded.value), bytes)) {
        throw new Error(`${name}: the accepted value has another encoding`);
      }
      if (use !== undefined) {
        attempt(() => use(decoded.value));
      }
      return true;
    },
  };
}

/**
 * {@link codec} of canonical JSON. Mutated text is hardly ever canonical, so JSON of any form is first brought into the
 * canonical one: then its fields are what is tried.
 */
export function jsonCodec<T>(name: string, options: Codec<T>): FuzzTarget {
  const plain = codec(name, options);
  return {
    ...plain,
    run(bytes) {
      const canonical = canonicalOf(bytes);
      if (canonical !== undefined && !equalBytes(canonical, bytes)) {
        void plain.run(canonical);
      }
      return plain.run(bytes);
    },
  };
}

function canonicalOf(bytes: Uint8Array): Uint8Array | undefined {
  let value: unknown;
  try {
    value = JSON.parse(textOf(bytes));
  } catch {
    return undefined;
  }
  return attempt(() => encodeCanonical(value as JsonValue))?.value;
}
