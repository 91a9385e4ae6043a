// SPDX-License-Identifier: Apache-2.0

/** Bytes to search, and what to call the place. */
export interface Place {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Something that must not be found. */
export interface Secret {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Place and form in which a secret was found. */
export interface Finding {
  readonly secret: string;
  readonly form: string;
  readonly place: string;
}

/**
 * All forms in which bytes may stand in a block, a state value or a log. Protocol buffers hold bytes as they are; base64
 * depends on what precedes the bytes, so there are three of each kind, cut to the part that does not.
 */
export function formsOf(bytes: Uint8Array): ReadonlyMap<string, Buffer> {
  const raw = Buffer.from(bytes);
  const hex = raw.toString('hex');
  const forms = new Map<string, Buffer>([
    ['raw', raw],
    ['hex', Buffer.from(hex)],
    ['HEX', Buffer.from(hex.toUpperCase())],
    ['JSON numbers', Buffer.from(raw.join(','))],
    ['JSON numbers, spaced', Buffer.from(raw.join(', '))],
  ]);
  for (let shift = 0; shift < 3; shift++) {
    const encoded = Buffer.concat([Buffer.alloc(shift), raw]).toString('base64');
    const stable = encoded.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + raw.length) * 8) / 6));
    forms.set(`base64 + ${shift}`, Buffer.from(stable));
    forms.set(`base64url + ${shift}`, Buffer.from(stable.replaceAll('+', '-').replaceAll('/', '_')));
  }
  return forms;
}

/** Finds every secret in every form in every place. */
export function search(secrets: readonly Secret[], places: readonly Place[]): Finding[] {
  const buffers = places.map(({ name, bytes }) => ({
    name,
    bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  }));
  return secrets.flatMap((secret) =>
    [...formsOf(secret.bytes)].flatMap(([form, needle]) =>
      buffers
        .filter(({ bytes }) => bytes.includes(needle))
        .map(({ name }) => ({ secret: secret.name, form, place: name })),
    ),
  );
}
