// SPDX-License-Identifier: Apache-2.0
// `npm run claims [-- --group GROUP] [--topic NAME] [--id TOPIC/ID] [--json FILE]`: checks the claims of claims/*.json, all of them if
// nothing else is said. Exit code 0 when none failed, 1 when one did, 2 for wrong use or a faulty claims file.
// --json FILE writes the results; group fabric writes out/fabric-claims.json by default. --claims FOLDER is for tests.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkClaims, GROUPS, loadClaims, resultLine } from './claim-runner.mjs';
import { ROOT } from './prepare.mjs';

function wrongUse(message) {
  process.stderr.write(`claims: ${message}\n`);
  process.exit(2);
}

let options;
let claims;
try {
  const text = { type: 'string' };
  options = parseArgs({ options: { group: text, topic: text, id: text, json: text, claims: text } }).values;
  claims = loadClaims(options.claims);
} catch (error) {
  wrongUse(error.message);
}
const { group, topic, id } = options;
const topics = [...new Set(claims.map((claim) => claim.topic))];
if (group !== undefined && !GROUPS.includes(group)) wrongUse(`group ${group} is none of ${GROUPS.join(', ')}`);
if (topic !== undefined && !topics.includes(topic)) wrongUse(`topic ${topic} is none of ${topics.join(', ')}`);
if (id !== undefined && !claims.some((claim) => claim.id === id)) wrongUse(`there is no claim ${id}`);

const selected = claims.filter(
  (claim) =>
    (group ?? claim.group) === claim.group && (topic ?? claim.topic) === claim.topic && (id ?? claim.id) === claim.id,
);
const results = [];
for await (const result of checkClaims(selected)) {
  process.stdout.write(`${resultLine(result)}\n`);
  results.push(result);
}
const count = (wanted) => results.filter(({ status }) => status === wanted).length;
process.stdout.write(`\n${count('ok')} ok, ${count('FAILED')} failed, ${count('SKIPPED')} skipped\n`);
process.exitCode ??= count('FAILED') > 0 ? 1 : 0;

const file = options.json ?? (group === 'fabric' ? join(ROOT, 'out', 'fabric-claims.json') : undefined);
if (file !== undefined) {
  const keep = ({ claim: { id, sentence, group, bound }, ...result }) => ({ id, sentence, group, bound, ...result });
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ node: process.versions.node, claims: results.map(keep) }, null, 2)}\n`);
}
