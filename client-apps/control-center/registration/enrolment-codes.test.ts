// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EnrolmentCodes, codeDigest, makeEnrolmentCodes } from './enrolment-codes.js';
import { FileKey } from '../../runtime/sealed-file.js';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const fileKey = new FileKey(new Uint8Array(32).fill(5), 'control center', 'test');

describe('client-apps/control-center/registration/enrolment-codes', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gridveil-codes-'));
  });
  afterEach(async () => {
    await rm(directory, { recursive: true });
  });

  it('stores digests only, and finds batches made while it runs', async () => {
    const codes = new EnrolmentCodes(directory, fileKey, []);
    const [meter] = await makeEnrolmentCodes({ directory, fileKey, random }, { role: 'meter', count: 3 });
    assert.equal(await codes.roleOf(codeDigest(meter!)), 'meter');
    const [hub] = await makeEnrolmentCodes({ directory, fileKey, random }, { role: 'hub', count: 1 });
    assert.equal(await codes.roleOf(codeDigest(hub!)), 'hub');
    assert.equal(await codes.roleOf(codeDigest(random(16))), undefined);
    assert.equal((await readdir(join(directory, 'codes'))).length, 2);
    await assert.rejects(makeEnrolmentCodes({ directory, fileKey, random }, { role: 'hub', count: 0 }), {
      code: 'LIMIT_EXCEEDED',
    });
  });
});
