// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { fromHex } from '../../protocol/crypto/bytes.js';
import { ClientError } from './errors.js';

/** Lower-case hexadecimal of exactly `length` bytes, kept as text. */
export function hexString(length: number): z.ZodString {
  return z.string().regex(new RegExp(`^[0-9a-f]{${2 * length}}$`), `must be ${length} bytes in lower-case hexadecimal`);
}

/** Lower-case hexadecimal of exactly `length` bytes, read as bytes. */
export function hexBytes(length: number): z.ZodType<Uint8Array, string> {
  return hexString(length).transform(fromHex);
}

/** An amount in JSON: a decimal string. */
export const amount: z.ZodType<bigint, string> = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,30})$/, 'must be a decimal string')
  .transform((text) => BigInt(text));

/** TCP port; 0 lets the system choose, the `ready` report says which. */
export const port = z.int().min(0).max(65_535);

/** A region's name, 1–8 characters: it is 8 bytes of every ledger id. */
export const region = z.string().regex(/^[a-z0-9-]{1,8}$/, 'must be 1 to 8 characters of a–z, 0–9 and -');

/** Operator of a relay, as the directory names it. */
export const operatorName = z.string().regex(/^[a-z0-9.-]{1,64}$/, 'must be 1 to 64 characters of a–z, 0–9, . and -');

/** SHA-256 of a public key's SubjectPublicKeyInfo, by which every TLS link of Gridveil is pinned. */
export const pin = hexBytes(32);

/** Address of a bulletin server: HTTPS URL and the pin of its key. */
const bulletinServer = z.strictObject({
  url: z.url({ protocol: /^https$/ }),
  pin,
});

/** The region's public address, which serves the bulletin and forwards enrolments to the control center. */
export const controlCenterAddress = bulletinServer;

/** Further servers of the region's bulletin. They are believed no more than the first: its files are signed. */
export const mirrors = z.array(bulletinServer).max(8).default([]);

/**
 * Validates a configuration; all other code relies on its type.
 *
 * @param source named in the error, usually the file
 * @throws ClientError CONFIG_INVALID listing all that is wrong, one line each
 */
export function parseConfig<T>(schema: z.ZodType<T>, value: unknown, source: string): T {
  const result = schema.safeParse(value);
  if (result.success) {
    return result.data;
  }
  const faults = result.error.issues.map((issue) => `  ${issue.path.join('.') || '(all)'}: ${faultText(issue)}`);
  throw new ClientError('CONFIG_INVALID', `${source}:\n${faults.join('\n')}`);
}

/** The text of a fault; zod describes a field that is absent as the value `undefined`, which no JSON file holds. */
function faultText({ code, message }: z.core.$ZodIssue): string {
  const [, expected] = /expected (\S+), received undefined$/.exec(message) ?? [];
  return code === 'invalid_type' && expected !== undefined ? `is missing; expected ${expected}` : message;
}

/**
 * Reads and checks a JSON configuration file.
 *
 * @throws ClientError CONFIG_INVALID
 */
export async function loadConfig<T>(schema: z.ZodType<T>, path: string): Promise<T> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new ClientError('CONFIG_INVALID', `${path}: ${(cause as Error).message}`, { cause });
  }
  return parseConfig(schema, value, path);
}
