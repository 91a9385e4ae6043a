// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { buildHeader, encodeHeader, type Header } from '../../protocol/ledger/header.js';
import { pageEntry } from '../../protocol/ledger/page.js';
import { IntervalMaker } from '../../test/interval-kit.js';
import { RegionKit } from '../../test/region-kit.js';
import type { LedgerClient } from './fabric/index.js';
import { RegionLedger } from './region-ledger.js';

describe('RegionLedger', () => {
  it('takes the header that was replaced before its first page stood', async () => {
    const kit = new RegionKit();
    const ledgerId = { region: kit.region, startSeconds: kit.startOf(0) };
    const [first, second] = new IntervalMaker(kit).consumptionRows(ledgerId, [0, 1]).map(({ row }) => row);
    const header = (rows: Uint8Array): Header =>
      buildHeader(sodiumCrypto, { kind: 'pricing', ledgerId, parametersVersion: 1, registryEpoch: 0 }, rows);
    // A writer that may be hostile replaces its header and writes the page between the reader's two questions.
    const headers = [header(first!), header(second!), header(second!), header(second!)];
    const client = {
      evaluate: (_channel: string, transaction: string) =>
        Promise.resolve(transaction === 'GetHeader' ? encodeHeader(headers.shift()!) : second!),
    } as unknown as LedgerClient;
    const standing = (await new RegionLedger(client, kit.region).standing('pricing', ledgerId.startSeconds))!;
    assert.deepEqual(standing.header.pages, [pageEntry(sodiumCrypto, new Uint8Array(standing.rows))]);
  });
});
