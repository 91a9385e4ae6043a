// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { sodiumCrypto } from '../../protocol/crypto/sodium.js';
import { buildHeader } from '../../protocol/ledger/header.js';
import { encodeSignedHeader } from '../../protocol/ledger/signed-header.js';
import { pageEntry } from '../../protocol/ledger/page.js';
import { IntervalMaker } from '../../test/support/interval.js';
import { FakeRegion } from '../../test/support/region.js';
import { pino } from 'pino';
import { LedgerError, type LedgerClient } from './index.js';
import { RegionLedger } from './region-ledger.js';

describe('RegionLedger', () => {
  it('uses the header that was replaced while its pages were read', async () => {
    const kit = new FakeRegion();
    const ledgerId = { region: kit.region, startSeconds: kit.startOf(0) };
    const [first, second] = new IntervalMaker(kit).consumptionRows(ledgerId, [0, 1]).map(({ row }) => row);
    const header = (rows: Uint8Array): Uint8Array =>
      encodeSignedHeader({
        header: buildHeader(sodiumCrypto, { kind: 'pricing', ledgerId, parametersVersion: 1, registryEpoch: 0 }, rows),
        headerSignature: new Uint8Array(64),
      });
    // A writer that may be hostile replaces its header and writes the page between the reader's two questions.
    const headers = [header(first!), header(second!), header(second!), header(second!)];
    const client = {
      evaluate: (_channel: string, transaction: string) =>
        Promise.resolve(transaction === 'GetHeader' ? headers.shift()! : second!),
    } as unknown as LedgerClient;
    const committed = (await new RegionLedger(client, kit.region).provided('pricing', ledgerId.startSeconds))!;
    assert.deepEqual(committed.header.pages, [pageEntry(sodiumCrypto, new Uint8Array(committed.rows))]);
  });

  it('waits until each chaincode has answered, and says what it waits for', async () => {
    const lines: { level: number; msg: string; reason: string }[] = [];
    const log = pino({ base: {} }, { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[0]) });
    const failures = new Map([
      ['consumption', [new LedgerError('NOT_FOUND', 'no seal')]],
      ['billing', [new LedgerError('UNAVAILABLE', 'no peers available to evaluate chaincode billing')]],
    ]);
    const asked: string[] = [];
    const client = {
      evaluate: (channel: string) => {
        asked.push(channel);
        const failure = failures.get(channel)?.shift();
        return failure === undefined ? Promise.resolve(new Uint8Array()) : Promise.reject(failure);
      },
    } as unknown as LedgerClient;
    await new RegionLedger(client, 'r').untilAnswering(log);
    assert.deepEqual(asked, ['consumption', 'pricing', 'billing', 'billing']);
    assert.deepEqual(
      lines.map(({ level, msg }) => [level, msg]),
      [
        [40, 'ledger: no answer yet, retrying'],
        [30, 'ledger: answers again'],
      ],
    );
    assert.match(lines[0]!.reason, /no peers available to evaluate chaincode billing/);
    const denied = new LedgerError('DENIED', 'access denied');
    failures.set('pricing', [denied]);
    await assert.rejects(new RegionLedger(client, 'r').untilAnswering(log), denied);
  });
});
