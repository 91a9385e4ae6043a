// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { measureSimulation } from '../../../research/anonymity/measure.js';
import { anonymityResult } from './anonymity.js';

const FLAGS = { meters: 50, relays: 3, corruptPerLayer: 0, slots: 2, targetsPerSlot: 200 };

describe('client-apps/cli/render/anonymity', () => {
  it('gives the same data for the same seed', () => {
    const json = (seed: string): string => JSON.stringify(anonymityResult(measureSimulation({ ...FLAGS, seed })).data);
    assert.equal(json('a'), json('a'));
    assert.notEqual(json('a'), json('b'));
  });

  it('names the traces it is from in every report', () => {
    const measured = measureSimulation({ ...FLAGS, seed: 'a' });
    const { data, text } = anonymityResult({
      ...measured,
      source: { kind: 'traces', directory: '/runs/traces', incomplete: 3 },
    });
    assert.equal(data['unsafeTrace'], '/runs/traces');
    assert.equal(data['incompletePackets'], 3);
    assert.ok(text.some((line) => line.includes('UNSAFE') && line.includes('/runs/traces')));
    assert.equal(data['packets'], measured.measurement.entropy.count);
  });
});
