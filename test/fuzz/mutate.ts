// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { concatBytes } from '../../protocol/crypto/bytes.js';

/** Bytes and lengths at which decoders go wrong. */
const BYTES = [0, 1, 0x20, 0x22, 0x30, 0x39, 0x5b, 0x7b, 0x7f, 0x80, 0xff];
const WORDS = [
  [0, 0, 0, 0],
  [0xff, 0xff, 0xff, 0xff],
  [0x7f, 0xff, 0xff, 0xff],
  [0, 1, 0, 0],
  [0, 0, 0xff, 0xff],
].map((word) => Uint8Array.from(word));
const VALUES: readonly unknown[] = [
  ...[0, 1, -1, 0.5, 1e300, 2 ** 53, 9_007_199_254_740_991, 65_536, 4_294_967_296],
  ...['', '0', '00', '-1', '340282366920938463463374607431768211456', 'a'.repeat(300), '../x', '\u0000', '\ud800'],
  ...[true, null, [], {}, [[[[]]]], { toString: 1 }],
];
const KEYS = ['__proto__', 'constructor', 'toString', '', '0'];

/** Bytes added to an input at most. */
const MOST_ADDED = 64;

/** Draws inputs near the given ones; the same name gives the same inputs. */
export class Mutator {
  readonly #pool: Uint8Array[];
  readonly #name: string;
  #block: Buffer = Buffer.alloc(0);
  #offset = 0;
  #blocks = 0;

  constructor(name: string, seeds: readonly Uint8Array[]) {
    this.#name = name;
    this.#pool = [...seeds];
  }

  next(): Uint8Array {
    let bytes: Uint8Array = this.#pick(this.#pool).slice();
    for (let changes = 1 + this.#below(4); changes > 0; changes--) {
      bytes = this.#below(2) === 0 ? (this.#changedJson(bytes) ?? this.#changed(bytes)) : this.#changed(bytes);
    }
    return bytes;
  }

  #changed(bytes: Uint8Array): Uint8Array {
    const at = this.#below(bytes.length + 1);
    const length = 1 + this.#below(Math.min(MOST_ADDED, bytes.length - at + 1));
    const [before, after, rest] = [bytes.subarray(0, at), bytes.subarray(at), bytes.subarray(at + length)];
    switch (this.#below(8)) {
      case 0:
        return flipped(bytes, at, 1 << this.#below(8));
      case 1:
        return concatBytes(before, Uint8Array.of(this.#pick(BYTES)), rest);
      case 2:
        return concatBytes(before, this.#pick(WORDS), bytes.subarray(at + 4));
      case 3:
        return concatBytes(before, rest);
      case 4:
        return concatBytes(before, this.#random(this.#below(MOST_ADDED)), after);
      case 5:
        return concatBytes(before, after.subarray(0, length), after);
      case 6:
        return before.slice();
      default: {
        const other = this.#pick(this.#pool);
        return concatBytes(before, other.subarray(Math.min(at, this.#below(other.length + 1))));
      }
    }
  }

  /** Changes one value or member; undefined when the bytes are no JSON. */
  #changedJson(bytes: Uint8Array): Uint8Array | undefined {
    let value: unknown;
    try {
      value = JSON.parse(new TextDecoder().decode(bytes));
    } catch {
      return undefined;
    }
    const root: { value?: unknown } = { value };
    let members = root as Record<string, unknown>;
    for (;;) {
      const keys = Object.keys(members);
      const key = this.#pick(keys.length === 0 ? KEYS : keys);
      const inner = Object.hasOwn(members, key) ? members[key] : undefined;
      if (typeof inner === 'object' && inner !== null && this.#below(4) > 0) {
        members = inner as Record<string, unknown>;
        continue;
      }
      this.#changeMember(members, key, inner);
      // A value that JSON cannot say is left out, and so is a removed one.
      return new TextEncoder().encode(JSON.stringify(root).slice('{"value":'.length, -1));
    }
  }

  #changeMember(members: Record<string, unknown>, key: string, inner: unknown): void {
    const set = (name: string, value: unknown): void =>
      void Object.defineProperty(members, name, { value, enumerable: true, configurable: true, writable: true });
    switch (this.#below(4)) {
      case 0:
        Reflect.deleteProperty(members, key);
        break;
      case 1:
        set(Array.isArray(members) ? String(members.length) : this.#pick(KEYS), inner);
        break;
      default:
        set(key, typeof inner === 'string' && this.#below(2) === 0 ? spelled(inner) : this.#pick(VALUES));
    }
  }

  #pick<T>(values: readonly T[]): T {
    return values[this.#below(values.length)]!;
  }

  #below(limit: number): number {
    return limit <= 1 ? 0 : this.#random(4).readUInt32BE(0) % limit;
  }

  #random(length: number): Buffer {
    while (this.#block.length - this.#offset < length) {
      const more = createHash('sha512').update(`${this.#name} ${this.#blocks++}`).digest();
      this.#block = Buffer.concat([this.#block.subarray(this.#offset), more]);
      this.#offset = 0;
    }
    this.#offset += length;
    return this.#block.subarray(this.#offset - length, this.#offset);
  }
}

function flipped(bytes: Uint8Array, at: number, mask: number): Uint8Array {
  const changed = bytes.slice();
  changed[at] = (changed[at] ?? 0) ^ mask; // beyond the end it is ignored
  return changed;
}

/** Another spelling of what may be a number or hexadecimal. */
function spelled(text: string): string {
  return text.toUpperCase() === text ? `0${text}` : text.toUpperCase();
}
