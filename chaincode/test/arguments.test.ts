// SPDX-License-Identifier: Apache-2.0
import { accepted, pageArgs, refused, text, World } from './world.js';
import assert from 'node:assert/strict';
import { encodeHeader } from '../../protocol/ledger/header.js';
import { encodeSignedParameters } from '../../protocol/ledger/parameters-json.js';
import { IntervalMaker } from '../../test/support/interval.js';
import { FakeRegion } from '../../test/support/region.js';
import { CONTROL_CENTER_MSP } from './fabric-stub.js';
import type { Simulation } from './simulation-stub.js';

const ROWS = Array.from({ length: 25 }, (_, row) => row % 5);

describe('arguments and transient data of the contracts', () => {
  const kit = new FakeRegion();
  const interval = new IntervalMaker(kit).next(ROWS);
  const start = String(interval.ledgerId.startSeconds);
  let world: World;
  const put = (transaction: string, ...args: string[]): Promise<Simulation> =>
    world.put('consumption', transaction, args, { mspId: CONTROL_CENTER_MSP });

  beforeEach(() => {
    world = new World(kit.pricePseudonymKey);
  });

  it('is bounded and strictly parsed, argument by argument', async () => {
    for (const region of ['', 'London', 'toolongname', 'a/b', 'a\0', 'ü', ' a']) {
      refused(await world.query('consumption', 'GetSeal', region, start), 'BAD_ARGUMENT');
    }
    for (const seconds of ['', '-1', '1.5', '01', '1e3', ' 1', '0x1', '253402300800', '9'.repeat(1_000), '١']) {
      refused(await world.query('consumption', 'GetSeal', 'london', seconds), 'BAD_ARGUMENT');
    }
    for (const page of ['', '-1', '00', '400', '1e0']) {
      refused(await world.query('consumption', 'GetPageRows', 'london', start, page), 'BAD_ARGUMENT');
    }
    for (const epoch of ['', '-1', '65536']) {
      refused(await world.query('consumption', 'GetDirectory', 'london', epoch), 'BAD_ARGUMENT');
      refused(await world.query('consumption', 'GetRegistryRoot', 'london', epoch), 'BAD_ARGUMENT');
      refused(await world.query('consumption', 'GetConsumers', 'london', epoch), 'BAD_ARGUMENT');
    }
    for (const version of ['', '0', 'Latest', '4097']) {
      refused(await world.query('consumption', 'GetParameters', 'london', version), 'BAD_ARGUMENT');
    }
  });

  it('is JSON in its one form, of bounded length', async () => {
    const json = text(encodeSignedParameters(kit.signedParameters));
    refused(await put('PutParameters', json.padEnd(100_000)), 'BAD_ARGUMENT');
    refused(await put('PutParameters', `${json}ü`), 'BAD_ARGUMENT');
    refused(await put('PutParameters', ` ${json}`), 'NON_CANONICAL');
    refused(await put('PutParameters', ''), 'MALFORMED');
    refused(await put('PutParameters', '{}'), 'MALFORMED');
    refused(await put('PutParameters', '['.repeat(100)), 'LIMIT_EXCEEDED');
    for (const transaction of ['PutRegistryRoot', 'PutDirectory', 'PutConsumers', 'PutHeader', 'PutSeal']) {
      refused(await put(transaction, 'x'.repeat(2_000_000)), 'BAD_ARGUMENT');
      refused(await put(transaction, '{"version":1}'), 'MALFORMED');
    }
  });

  it('has the transient fields that it needs, no longer than they may be', async () => {
    accepted(await world.putParameters(kit.signedParameters));
    accepted(await world.putRegistryRoot(kit.registryRoot(0)));
    accepted(await put('PutHeader', text(encodeHeader(interval.consumption.header))));
    const page = (transient: Record<string, Uint8Array>): Promise<Simulation> =>
      world.put('consumption', 'PutPage', pageArgs(interval.ledgerId, 0), { mspId: CONTROL_CENTER_MSP, transient });
    const { rows } = interval.consumption;
    const witnesses = interval.witnesses[0]!;
    refused(await page({}), 'MISSING_TRANSIENT');
    refused(await page({ rows }), 'MISSING_TRANSIENT');
    refused(await page({ witnesses }), 'MISSING_TRANSIENT');
    refused(await page({ rows: new Uint8Array(), witnesses }), 'MISSING_TRANSIENT');
    refused(await page({ rows: new Uint8Array(500 * 177 + 1), witnesses }), 'BAD_ARGUMENT');
    refused(await page({ rows, witnesses: new Uint8Array(500 * (138 + 32 * 20) + 1) }), 'BAD_ARGUMENT');
    accepted(await page({ rows, witnesses }));
  });

  it('names a transaction that exists', async () => {
    refused(await put('PutRow', 'x'), 'BAD_ARGUMENT');
    refused(await put('aroundTransaction', 'x'), 'BAD_ARGUMENT');
    assert.match((await put('GetSeal', 'london')).message, /^Expected 2 parameters, but 1/); // by the shim itself
  });
});
