// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProcessGroup, type ProcessHooks } from './process-group.js';
import { Child } from './child.js';
import { Stepper } from './stepper.js';

/** A party as the orchestrator sees one: a clock over IPC, a `ready` report, an end on demand. */
const PARTY = `
process.on('message', ({ kind, toMilliseconds }) => {
  if (kind === 'advance') now = toMilliseconds;
  process.send({ kind: 'state', nowMilliseconds: now, work: 0, sent: 0, received: 0, nextTimer: null, labels: {} });
  if (kind === 'advance' && first) { first = false; process.send({ kind: 'report', name: 'ready', data: { port: 7 } }); }
});
let now = 0, first = true;
console.log('hello from ' + process.env.WHO);
if (process.env.UNSTOPPABLE) process.on('SIGTERM', () => console.log('not yet'));
if (process.env.DIES) setTimeout(() => { console.error('out of cheese'); process.exit(3); }, Number(process.env.DIES));
`;

describe('Child and ProcessGroup', function () {
  this.timeout(20_000);
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gridveil-child-'));
    await writeFile(join(directory, 'party.mjs'), PARTY);
  });
  afterEach(() => rm(directory, { recursive: true }));

  const spec = (environment: Record<string, string> = {}) => ({
    name: 'party',
    script: join(directory, 'party.mjs'),
    args: [],
    environment: { WHO: 'the party', ...environment },
    directory,
    stepped: true,
    reports: true,
  });
  const processes = (hooks?: ProcessHooks): ProcessGroup => new ProcessGroup(new Stepper(1_000), directory, hooks);

  it('starts a process, reads its report, keeps its log, ends it', async () => {
    const all = processes();
    const { child, ready } = await all.start(spec());
    assert.deepEqual(ready, { port: 7 });
    assert.equal((await child.ask({ kind: 'poll' })).nowMilliseconds, 1_000);
    await all.stop();
    assert.equal(child.running, false);
    assert.equal(await readFile(join(directory, 'party.log'), 'utf8'), 'hello from the party\n');
  });

  it('gives a process nothing of its own environment', async () => {
    process.env['GRIDVEIL_TEST_SECRET'] = 'x';
    // Node itself passes this one on, to every child, when the tests run under coverage.
    const coverage = process.env['NODE_V8_COVERAGE'];
    delete process.env['NODE_V8_COVERAGE'];
    await writeFile(join(directory, 'party.mjs'), `console.log(JSON.stringify(Object.keys(process.env)));${PARTY}`);
    const all = processes();
    await all.start(spec());
    await all.stop();
    delete process.env['GRIDVEIL_TEST_SECRET'];
    if (coverage !== undefined) {
      process.env['NODE_V8_COVERAGE'] = coverage;
    }
    const [line] = (await readFile(join(directory, 'party.log'), 'utf8')).split('\n');
    assert.deepEqual((JSON.parse(line!) as string[]).sort(), ['PATH', 'WHO']);
  });

  it('refuses what a dead process owes, with its name and the end of its log', async () => {
    const child = new Child(spec({ DIES: '50' }), directory);
    child.start();
    await assert.rejects(child.report('never'), (error: Error) => {
      assert.match(
        error.message,
        /^party ended \(exit code 3\); the end of its log:\n {2}\| .*\n {2}\| out of cheese$/,
      );
      return true;
    });
    await assert.rejects(child.ask({ kind: 'poll' }), /party is not running/);
  });

  it('fails the run when a process ends by itself', async () => {
    const all = processes();
    await all.start(spec({ DIES: '150' }));
    await assert.rejects(all.failed, { code: 'PARTY_FAILED' });
    await all.stop();
  });

  it('starts a process again that a test kills', async () => {
    const all = processes({ restartable: new Set(['party']) });
    const { child } = await all.start(spec());
    process.kill(child.processId!, 'SIGKILL');
    for (let i = 0; i < 200 && all.restarts.get('party') === undefined; i++) {
      await new Promise((resume) => setTimeout(resume, 10));
    }
    assert.deepEqual(await child.ask({ kind: 'poll' }).then(({ nowMilliseconds }) => nowMilliseconds), 1_000);
    await all.stop();
  });

  it('ends a process that does not want to', async () => {
    const all = processes();
    const { child } = await all.start(spec({ UNSTOPPABLE: '1' }));
    await all.stop();
    assert.equal(child.running, false);
  });
});
