// SPDX-License-Identifier: Apache-2.0
// `npm run test:one -- PATTERN [mocha's arguments]`: the test files whose path contains the pattern, as a source
// (client-apps/consumer/hub.test.ts) or a part of one (consumer/hub). The chaincode's run in a process of their own.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run } from './prepare.mjs';

const [pattern, ...rest] = process.argv.slice(2);
if (pattern === undefined || pattern.startsWith('-')) {
  process.stderr.write("usage: npm run test:one -- PATTERN [mocha's arguments]\n");
  process.exit(2);
}
const wanted = pattern.replaceAll('\\', '/').replace(/\.ts$/, '.js');
const isWanted = (file) => file.includes(wanted);
const files = readdirSync(join(ROOT, 'dist'), { recursive: true })
  .map((file) => `dist/${file.replaceAll('\\', '/')}`)
  .filter((file) => file.endsWith('.test.js') && !file.includes('/node_modules/') && isWanted(file));
if (files.length === 0) {
  process.stderr.write(`test:one: no test file has ${pattern} in its path\n`);
  process.exit(2);
}
const isChaincode = (file) => file.startsWith('dist/chaincode/');
for (const part of [files.filter((file) => !isChaincode(file)), files.filter(isChaincode)]) {
  if (part.length > 0) {
    const mocha = join(ROOT, 'node_modules', 'mocha', 'bin', 'mocha.js');
    process.exitCode ||= await run(process.execPath, ['--enable-source-maps', mocha, ...rest, ...part.sort()]);
  }
}
