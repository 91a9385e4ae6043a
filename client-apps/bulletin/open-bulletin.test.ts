// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { FakeRegion } from '../../test/support/region.js';
import { checkSeed } from './open-bulletin.js';

describe('client-apps/bulletin/open-bulletin', () => {
  const { parameters } = new FakeRegion();
  const seed = new Uint8Array(32);
  const demo = { ...parameters, demo: true };
  const real = { ...parameters, demo: false };

  it('lets a seed into the region of a demo and into no other', () => {
    checkSeed(demo, seed);
    checkSeed(real, undefined);
    assert.throws(() => checkSeed(real, seed), /enrolmentSeed must be absent: the region is not a demo/);
    assert.throws(() => checkSeed(demo, undefined), {
      code: 'CONFIG_INVALID',
      message: 'enrolmentSeed must be set: the region is a demo',
    });
  });
});
