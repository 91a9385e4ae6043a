// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { sodiumCrypto as crypto } from '../../../protocol/crypto/sodium.js';
import { decodeWitnesses } from '../../../protocol/identity/witness.js';
import { encodeSealsFile } from '../../../protocol/ledger/bulletin.js';
import { rowValue } from '../../../protocol/ledger/row.js';
import { directoryDigest } from '../../../protocol/onion/directory-format.js';
import { checkConsumptionPage } from '../../../protocol/rules/check-page.js';
import { intervalContext } from '../../../protocol/rules/interval-context.js';
import { IntervalMaker } from '../../../test/support/interval.js';
import { FakeRegion } from '../../../test/support/region.js';
import { makeCut, publishable } from './cut.js';
import type { Epoch } from '../epochs/epochs.js';
import type { AcceptedRow } from '../intake/accepted-packet.js';

describe('client-apps/control-center/intervals/cut', () => {
  const kit = new FakeRegion({ meters: 8 });
  const context = intervalContext(crypto, kit.parameters, kit.startOf(0));
  const directory = kit.directory(0);
  const epoch = {
    number: 0,
    registry: kit.registry(0),
    root: kit.registryRoot(0),
    directory,
    directoryDigest: directoryDigest(crypto, directory.directory),
    secrets: new Map(kit.meters.map((meter) => [meter.number, { identity: meter.identity, ...meter.secretsOf(0) }])),
  } as unknown as Epoch;

  /** Rows of the given meters and categories, one each. */
  function taken(...rows: readonly [meter: number, category: number][]): AcceptedRow[] {
    const maker = new IntervalMaker(kit);
    return rows.map(([number, category]) => {
      const { row, witness } = maker.consumptionRow(context.ledgerId, kit.meters[number]!, category);
      return { meterNumber: number, k: witness.k, previous: witness.previous, row };
    });
  }

  const of = (count: number, category: number): [number, number][] =>
    Array.from({ length: count }, (_, meter) => [meter, category]);

  it('counts distinct meters, not rows: many rows of few meters stay out', () => {
    const rows = taken(...of(5, 1), ...of(4, 2), ...of(4, 2), ...of(4, 2));
    const published = publishable(rows, kit.parameters);
    assert.equal(published.length, 5);
    assert.ok(published.every(({ row }) => rowValue(row) === kit.parameters.categoriesMilliWattHours[1]));
    assert.equal(publishable(taken(...of(4, 0)), kit.parameters).length, 0);
    assert.equal(publishable(taken(...of(5, 0), ...of(5, 0)), kit.parameters).length, 10);
  });

  it('makes a ledger that the chaincode’s rules accept, row by row', () => {
    const cut = makeCut(context, taken(...of(8, 0), ...of(6, 3), ...of(2, 4)), {
      epoch,
      previous: undefined,
      key: kit.controlCenter,
    });
    assert.equal(cut.suppressed, 2);
    const { header } = cut.sealed;
    const witnesses = decodeWitnesses(cut.witnesses, header.count, kit.parameters.registryDepth);
    checkConsumptionPage(crypto, cut.rows, context, {
      entry: header.pages[0]!,
      witnesses,
      registryRoot: epoch.root.registryRoot,
    });
  });

  it('does not depend on the order in which rows came', () => {
    const rows = taken(...of(8, 0), ...of(6, 3));
    const one = makeCut(context, rows, { epoch, previous: undefined, key: kit.controlCenter });
    const other = makeCut(context, [...rows].reverse(), { epoch, previous: undefined, key: kit.controlCenter });
    assert.deepEqual(other, one);
  });

  it('chains to the interval before', () => {
    const first = makeCut(context, [], { epoch, previous: undefined, key: kit.controlCenter });
    assert.equal(first.sealed.header.count, 0);
    const next = intervalContext(crypto, kit.parameters, kit.startOf(1));
    const second = makeCut(next, [], { epoch, previous: first.sealed.seal, key: kit.controlCenter });
    assert.notDeepEqual(second.sealed.seal.previous, first.sealed.seal.previous);
    const leap = intervalContext(crypto, kit.parameters, kit.startOf(2));
    assert.throws(() => makeCut(leap, [], { epoch, previous: first.sealed.seal, key: kit.controlCenter }), {
      code: 'SEAL_CHAIN',
    });
    assert.ok(encodeSealsFile({ consumption: second.sealed }).length > 0);
  });
});
