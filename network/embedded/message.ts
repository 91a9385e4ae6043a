// SPDX-License-Identifier: Apache-2.0

/** Fields of a protobuf message by name, each with what its setter accepts: `setTxId` is the field `txId`. */
type Fields<M> = {
  readonly [Setter in keyof M as Setter extends `set${infer Field}` ? Uncapitalize<Field> : never]?: M[Setter] extends (
    value: infer Value,
  ) => unknown
    ? Value
    : never;
};

/** Makes a protobuf message of Fabric with the fields given; the others have protobuf's defaults. */
export function message<M extends object>(type: new () => M, fields: Fields<M>): M {
  const made = new type();
  for (const [field, value] of Object.entries(fields)) {
    const setter = `set${field.charAt(0).toUpperCase()}${field.slice(1)}` as keyof M;
    (made[setter] as (value: unknown) => void)(value);
  }
  return made;
}

/** Class of a protobuf message, which reads its encoding. */
export interface MessageType<M> {
  /** @throws Error if the bytes are not such a message */
  deserializeBinary(bytes: Uint8Array): M;
}
