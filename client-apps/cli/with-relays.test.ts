// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { SystemClock } from '../runtime/clock.js';
import { ClientError } from '../runtime/errors.js';
import { createLog } from '../runtime/log.js';
import type { PartyContext, RunningParty } from '../runtime/party.js';
import { osRandom } from '../runtime/random.js';
import { withRelays } from './with-relays.js';

describe('client-apps/cli: a party that is a relay too', () => {
  let folder: string;
  let relayFile: string;
  let ports: number[];
  let context: PartyContext;
  const keyFile = process.env['GRIDVEIL_KEY_FILE'];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gridveil-with-relays-'));
    process.env['GRIDVEIL_KEY_FILE'] = join(folder, 'key');
    await writeFile(join(folder, 'key'), '00'.repeat(32), { mode: 0o600 });
    relayFile = join(folder, 'relay.json');
    const relay = {
      ...{
        directory: join(folder, 'relay'),
        region: 'r',
        operator: 'operator',
        layer: 1,
        trustAnchor: '00'.repeat(32),
      },
      links: { host: '127.0.0.1', port: 0, address: 'relay.invalid:7000' },
      // Nobody is there: the relay listens and goes on asking.
      controlCenter: {
        url: 'https://127.0.0.1:9',
        pin: '00'.repeat(32),
        linkAddress: '127.0.0.1:9',
        linkPin: '00'.repeat(32),
      },
    };
    await writeFile(relayFile, JSON.stringify(relay));
    ports = [];
    context = {
      clock: new SystemClock(),
      random: osRandom(),
      log: createLog('meter', 'silent'),
      report: (name, data) => {
        if (name === 'relay-ready') {
          ports.push(data['port'] as number);
        }
      },
    };
  });
  afterEach(async () => {
    if (keyFile === undefined) {
      delete process.env['GRIDVEIL_KEY_FILE'];
    } else {
      process.env['GRIDVEIL_KEY_FILE'] = keyFile;
    }
    await rm(folder, { recursive: true });
  });

  const start = (party: () => Promise<RunningParty>): Promise<RunningParty> =>
    withRelays({ config: z.unknown(), start: party }, [relayFile]).start(undefined, context);
  const listens = (port: number): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });

  it('starts after its relay, and both end together', async () => {
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const both = await start(async () => {
      assert.equal(await listens(ports[0]!), true);
      return { ended, stop: () => Promise.resolve().then(end) };
    });
    await both.stop();
    await both.ended;
    assert.equal(await listens(ports[0]!), false);
  });

  it('stops its relay when it cannot start', async () => {
    const error = new ClientError('ENROLMENT_REFUSED', 'UNKNOWN_CODE');
    await assert.rejects(
      start(() => Promise.reject(error)),
      error,
    );
    assert.equal(await listens(ports[0]!), false);
  });

  it('fails when one of them fails', async () => {
    const error = new ClientError('SEALED_INVALID', 'a file is damaged');
    const both = await start(() => Promise.resolve({ ended: Promise.reject(error), stop: () => Promise.resolve() }));
    await assert.rejects(both.ended, error);
    await both.stop();
    assert.equal(await listens(ports[0]!), false);
  });

  it('is itself when it has no relay, and does not start without a configuration of one', async () => {
    const party = { config: z.unknown(), start: () => Promise.reject(new Error('not started')) };
    assert.equal(withRelays(party), party);
    await assert.rejects(withRelays(party, [join(folder, 'absent.json')]).start(undefined, context), {
      code: 'CONFIG_INVALID',
    });
  });
});
