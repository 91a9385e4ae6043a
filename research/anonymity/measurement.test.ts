// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { Histogram } from './histogram.js';
import { measureSimulation, tierOf } from './measure.js';
import { anonymityPlot } from './plot.js';

const FLAGS = { meters: 500, relays: 3, corruptPerLayer: 0, slots: 3, targetsPerSlot: 200, seed: 'test' };

describe('anonymity: measurement', function () {
  this.timeout(30_000);

  it('500 meters with the default parameters: at least 8.4 bits, 99 % in 60 s', () => {
    const { measurement, onion } = measureSimulation(FLAGS);
    assert.deepEqual(onion, {
      layers: 4,
      meanDelayMilliseconds: 4_000,
      maximumDelayMeans: 5,
      offsetWindowSeconds: 20,
    });
    assert.ok(measurement.entropy.mean >= 8.4, `${measurement.entropy.mean} bits`);
    assert.ok(measurement.latency.quantile(0.99, 'upper') <= 60_000);
    assert.equal(measurement.allCorrupt + measurement.stragglers.alone + measurement.stragglers.narrowed, 0);
    assert.equal(measurement.latency.count, 1_500);
  });

  it('with one relay of three corrupt in every layer: at least 7.8 bits, and only all-corrupt ways are traced', () => {
    const { measurement } = measureSimulation({ ...FLAGS, corruptPerLayer: 1, slots: 8 });
    const { entropy, allCorrupt, stragglers, byHonestRelays } = measurement;
    assert.ok(entropy.mean >= 7.8, `${entropy.mean} bits`);
    // 1/81 of the ways are corrupt from end to end: 19.75 of 1,600, four standard deviations around it.
    assert.ok(Math.abs(allCorrupt - entropy.count / 81) < 18, `${allCorrupt} all corrupt`);
    assert.ok(stragglers.alone + stragglers.narrowed <= 5);
    assert.deepEqual(
      byHonestRelays.map(({ honestRelays }) => honestRelays),
      [0, 1, 2, 3, 4],
    );
    assert.equal(byHonestRelays[0]!.packets, allCorrupt);
    assert.equal(byHonestRelays[0]!.meanEntropyBits, 0);
  });

  it('is honest: the true sender gets as much probability as the entropy says', () => {
    for (const corruptPerLayer of [0, 1, 2]) {
      const { measurement } = measureSimulation({ ...FLAGS, corruptPerLayer, meters: 200, slots: 10 });
      const difference = measurement.meanTrueSenderBits - measurement.entropy.mean;
      assert.ok(Math.abs(difference) < 0.1, `${corruptPerLayer} corrupt: ${difference} bits`);
    }
  });

  it('gives the same figures for the same seed, and others for another', () => {
    const figures = (seed: string): unknown[] => {
      const { measurement } = measureSimulation({ ...FLAGS, meters: 50, slots: 2, seed });
      const { entropy, latency, meanTrueSenderBits, guessed, byHonestRelays } = measurement;
      const quantiles = [0.01, 0.5, 0.99].map((share) => latency.quantile(share, 'upper'));
      return [entropy.mean, entropy.minimum, latency.maximum, quantiles, meanTrueSenderBits, guessed, byHonestRelays];
    };
    assert.deepEqual(figures('a'), figures('a'));
    assert.notDeepEqual(figures('a'), figures('b'));
  });

  it('does not distinguish two meters that send at once through one relay: one bit', () => {
    const flags = { ...FLAGS, meters: 2, layers: 1, relays: 1, window: 0, slots: 200 };
    const { measurement } = measureSimulation(flags);
    for (const bits of [measurement.entropy.minimum, measurement.entropy.maximum]) {
      assert.ok(Math.abs(bits - 1) < 1e-6, `${bits} bits`);
    }
  });

  it('refuses a tier that packets may not leave within their slot', () => {
    assert.throws(() => tierOf({ meters: 10, relays: 3, meanDelay: 20_000 }), { code: 'WRONG_USE' });
    assert.throws(() => measureSimulation({ ...FLAGS, corruptPerLayer: 4 }), { code: 'WRONG_USE' });
  });

  it('draws both distributions, in a file that needs nothing else', () => {
    const svg = anonymityPlot(measureSimulation({ ...FLAGS, meters: 30, slots: 1 }));
    assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    assert.match(svg, /mean \d\.\d\d/);
    assert.doesNotMatch(svg, /href|NaN|undefined/);
  });
});

describe('anonymity: histogram', () => {
  it('has no quantile outside its values', () => {
    const histogram = new Histogram(10, 100);
    for (const value of [2.456, 2.458]) {
      histogram.add(value);
    }
    for (const share of [0.01, 0.5, 1]) {
      for (const edge of ['lower', 'upper'] as const) {
        const value = histogram.quantile(share, edge);
        assert.ok(value >= 2.456 && value <= 2.458, `${edge} ${share}: ${value}`);
      }
    }
  });

  it('keeps the mean exactly and quantiles to the width of a bin', () => {
    const histogram = new Histogram(10, 100);
    for (let value = 1; value <= 100; value++) {
      histogram.add(value / 10.5);
    }
    assert.ok(Math.abs(histogram.mean - 50.5 / 10.5) < 1e-12);
    for (const share of [0.01, 0.5, 0.99]) {
      const exact = (100 * share) / 10.5;
      assert.ok(
        histogram.quantile(share, 'upper') >= exact && histogram.quantile(share, 'upper') < exact + 0.1001,
        `${share}`,
      );
    }
    histogram.add(40);
    assert.equal(histogram.maximum, 40);
    assert.equal(new Histogram(1, 1).mean, 0);
  });
});
