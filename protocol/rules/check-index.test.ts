// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { IntervalMaker } from '../../test/support/interval.js';
import { FakeRegion } from '../../test/support/region.js';
import { INDEX_ENTRY_LENGTH } from '../ledger/index-file.js';
import { checkIndex } from './check-index.js';

const kit = new FakeRegion({ meters: 40 });
const maker = new IntervalMaker(kit);
const { index, consumption } = maker.next(Array.from({ length: 520 }, (_, row) => row % 2));
const categories = kit.parameters.categoriesMilliWattHours;

const refused = (bytes: Uint8Array, code: string) =>
  assert.throws(() => checkIndex(bytes, consumption.header, categories), { code });

describe('index against the header', () => {
  it('gives the rows of each category', () => {
    assert.deepEqual(checkIndex(index, consumption.header, categories), [260, 260, 0, 0, 0]);
    assert.deepEqual(checkIndex(new Uint8Array(), maker.next([]).consumption.header, categories), [0, 0, 0, 0, 0]);
  });

  it('is refused with another number of rows, a category moved, or other borders', () => {
    refused(index.subarray(INDEX_ENTRY_LENGTH), 'INDEX_MISMATCH');
    refused(index.with(8, index[8]! ^ 1), 'INDEX_MISMATCH');
    refused(index.with(8, 5), 'BAD_CATEGORY');
    refused(index.with(7, index[7]! ^ 1), 'INDEX_MISMATCH');
    const last = index.length - INDEX_ENTRY_LENGTH;
    refused(index.with(last + 7, index[last + 7]! ^ 1), 'INDEX_MISMATCH');
    // Two categories swapped between pages: the totals of the interval stay.
    const secondPage = 500 * INDEX_ENTRY_LENGTH + 8;
    const from = index.findIndex((byte, i) => i % INDEX_ENTRY_LENGTH === 8 && byte !== index[secondPage]);
    refused(index.with(from, index[secondPage]!).with(secondPage, index[from]!), 'INDEX_MISMATCH');
  });
});
