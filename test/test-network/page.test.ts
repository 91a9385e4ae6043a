// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, NativeTestNetwork } from '../support/native-test-network.js';

const PAGE = join(ROOT, 'docs', 'TEST-NETWORK.md');
/** Where this machine has fabric-samples is the one thing that the page cannot know. */
const OWN_FOLDER = /^export TEST_NETWORK=.*$/m;

describe('docs/TEST-NETWORK.md', function () {
  this.timeout(600_000);
  const network = NativeTestNetwork.use();

  it('its commands work as they are written, from top to bottom', async () => {
    const commands = [...readFileSync(PAGE, 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block!);
    assert.match(commands[0]!, OWN_FOLDER);
    const outputs = ['page1', 'page2', 'page3', 'newest.block', 'newest.json'].map((name) => join(ROOT, 'out', name));
    for (const path of outputs) {
      rmSync(path, { recursive: true, force: true });
    }
    const script = join(network().scratch, 'page.sh');
    const text = commands.join('\n').replace(OWN_FOLDER, `export TEST_NETWORK='${network().directory}'`);
    writeFileSync(script, `set -euo pipefail\n${text}`);
    await network().down(); // also links Fabric's binaries beside test-network
    const { code, stdout, stderr } = await network().run('bash', [script]);
    assert.equal(code, 0, stdout + stderr);
    assert.equal([...stdout.matchAll(/^(consumption|pricing|billing) +Org[12]MSP +ok$/gm)].length, 12);
    assert.match(stdout, /20 of 20 households found all their rows and verified every price and bill/);
    assert.match(stderr, /WRONG_MSP: only the control center may submit this transaction/);
    assert.match(stdout, /^refused, as it must be$/m);
    assert.match(stdout, /"key": "seal\/page1/);
    assert.match(stdout, /Blockchain info: \{"height":/);
    for (const path of outputs) {
      rmSync(path, { recursive: true, force: true });
    }
  });
});
