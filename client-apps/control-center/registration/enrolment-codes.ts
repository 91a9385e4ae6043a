// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { concatBytes, toHex } from '../../../protocol/crypto/bytes.js';
import { prefix } from '../../../protocol/crypto/hash.js';
import { sodiumCrypto } from '../../../protocol/crypto/sodium.js';
import { ENROLMENT_CODE_LENGTH } from '../../../protocol/identity/enrolment.js';
import {
  encodeCanonical,
  parseCanonical,
  readAnyObject,
  readArray,
  readInteger,
  readObject,
  readOneOf,
  readString,
} from '../../../protocol/ledger/canonical-json.js';
import { MAXIMUM_CONNECTION_WATTS } from '../../../protocol/ledger/limits.js';
import { ClientError } from '../../runtime/errors.js';
import { listIfPresent } from '../../runtime/atomic-file.js';
import type { SecretSources } from '../../runtime/party-secret.js';
import { SealedFile, type FileKey } from '../../runtime/sealed-file.js';

/** Roles that a code can enrol. */
export const CODE_ROLES = ['meter', 'hub', 'relay'] as const;
export type CodeRole = (typeof CODE_ROLES)[number];

/** The codes of one batch. */
export interface CodeOrder {
  readonly role: CodeRole;
  /** 1 to {@link MAXIMUM_CODES}. */
  readonly count: number;
  /** Of each meter, W; without it, the strongest that the parameters allow. */
  readonly connectionLimitWatts?: number | undefined;
}

/** Role and settings of an issued code. */
export type IssuedCode = Omit<CodeOrder, 'count'>;

/** Codes of one batch; a region has at most 5,000 meters and as many hubs. */
export const MAXIMUM_CODES = 10_000;

const MAXIMUM_BATCH_BYTES = 70 * MAXIMUM_CODES + 100;

const CODE_PREFIX = prefix('enrolment code');

/** Digest by which a code is stored and looked up, 32 bytes in hex; the code itself is not kept. */
export function codeDigest(code: Uint8Array): string {
  return toHex(sodiumCrypto.sha256(concatBytes(CODE_PREFIX, code)));
}

/**
 * Makes one-use codes and stores their digests, in a file of their own, so that this works beside a running control
 * center, which reads new batches when it gets an unknown code.
 *
 * @returns the codes, 16 bytes each, which exist nowhere else
 * @throws ClientError LIMIT_EXCEEDED
 */
export async function makeEnrolmentCodes(
  { directory, fileKey, random }: Omit<SecretSources, 'seed'>,
  { role, count, connectionLimitWatts }: CodeOrder,
): Promise<Uint8Array[]> {
  if (!Number.isInteger(count) || count < 1 || count > MAXIMUM_CODES) {
    throw new ClientError('LIMIT_EXCEEDED', `expected 1 to ${MAXIMUM_CODES} codes at once, got ${count}`);
  }
  if (connectionLimitWatts !== undefined && role !== 'meter') {
    throw new ClientError('WRONG_USE', `a connection limit is a meter's: expected role meter, got ${role}`);
  }
  const codes = Array.from({ length: count }, () => random(ENROLMENT_CODE_LENGTH));
  const batch = new SealedFile(join(codesDirectory(directory), toHex(random(8))), fileKey);
  await batch.write(
    encodeCanonical({
      codes: codes.map(codeDigest),
      role,
      ...(connectionLimitWatts !== undefined && { connectionLimitWatts }),
    }),
  );
  return codes;
}

/** The issued codes. */
export class EnrolmentCodes {
  readonly #codes = new Map<string, IssuedCode>();
  readonly #read = new Set<string>();
  /** Digests of codes that are withdrawn. */
  readonly revoked: ReadonlySet<string>;

  readonly #directory: string;
  readonly #fileKey: FileKey;

  /** @param revoked codes that are withdrawn */
  constructor(directory: string, fileKey: FileKey, revoked: readonly Uint8Array[]) {
    this.#directory = directory;
    this.#fileKey = fileKey;

    this.revoked = new Set(revoked.map(codeDigest));
  }

  /**
   * The role and settings of the code with this digest; undefined when there is no such code, or it was withdrawn.
   *
   * @throws ClientError SEALED_INVALID
   */
  async find(digestHex: string): Promise<IssuedCode | undefined> {
    if (this.revoked.has(digestHex)) {
      return undefined;
    }
    if (!this.#codes.has(digestHex)) {
      await this.#readNewBatches();
    }
    return this.#codes.get(digestHex);
  }

  async #readNewBatches(): Promise<void> {
    const directory = codesDirectory(this.#directory);
    for (const name of await listIfPresent(directory)) {
      if (this.#read.has(name) || !/^[0-9a-f]{16}$/.test(name)) {
        continue;
      }
      const bytes = await new SealedFile(join(directory, name), this.#fileKey).read();
      if (bytes === undefined) {
        continue;
      }
      const { connectionLimitWatts: limit, ...fields } = readAnyObject(parseCanonical(bytes, MAXIMUM_BATCH_BYTES));
      const batch = readObject(fields, ['codes', 'role']);
      const role = readOneOf(batch.role, CODE_ROLES);
      const connectionLimitWatts = limit === undefined ? undefined : readInteger(limit, 1, MAXIMUM_CONNECTION_WATTS);
      for (const code of readArray(batch.codes, MAXIMUM_CODES, (value) => readString(value, 64))) {
        this.#codes.set(code, { role, connectionLimitWatts });
      }
      this.#read.add(name);
    }
  }
}

function codesDirectory(directory: string): string {
  return join(directory, 'codes');
}
