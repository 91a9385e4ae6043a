// SPDX-License-Identifier: Apache-2.0
import { joinBytes, readUint16, writeUint16 } from '../../protocol/crypto/bytes.js';

/** A decoder or a network face, and what it must hold for any bytes. */
export interface FuzzTarget {
  readonly name: string;
  /** Inputs that a party really makes: {@link FuzzTarget.run} accepts every one of them. */
  readonly seeds: () => readonly Uint8Array[] | Promise<readonly Uint8Array[]>;
  /**
   * Gives the bytes to the code under test.
   *
   * @returns whether it accepted them
   * @throws whatever is not a coded refusal, and an error when an accepted value has a second encoding
   */
  readonly run: (bytes: Uint8Array) => boolean | Promise<boolean>;
  /** Ends what the target opened. */
  readonly close?: () => Promise<void>;
}

/** Several byte strings in one input, each after its length in 16 bits; {@link splitInput} is the inverse. */
export function joinInput(...parts: readonly Uint8Array[]): Uint8Array {
  return joinBytes(
    parts.flatMap((part) => {
      const length = new Uint8Array(2);
      writeUint16(length, 0, part.length);
      return [length, part];
    }),
  );
}

/** The byte strings of an input; what is missing is empty, and a length may reach beyond the end. */
export function splitInput(bytes: Uint8Array, count: number): Uint8Array[] {
  let rest = bytes;
  return Array.from({ length: count }, () => {
    if (rest.length < 2) {
      return new Uint8Array();
    }
    const end = 2 + readUint16(rest, 0);
    const part = rest.slice(2, end);
    rest = rest.subarray(end);
    return part;
  });
}

/** Text as the bytes of a seed. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The text of an input. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
