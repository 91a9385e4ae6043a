// SPDX-License-Identifier: Apache-2.0
// Warns of certificates that end soon:
//   node certificates.mjs ORGANIZATIONS_FOLDER [DAYS]
// One line a certificate that ends within DAYS (default 30); exit status 1 when one has ended.
import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const DAY_MILLISECONDS = 86_400_000;
const [folder, days = '30'] = process.argv.slice(2);
if (folder === undefined || !/^[1-9][0-9]{0,4}$/.test(days)) {
  process.stderr.write('usage: certificates.mjs ORGANIZATIONS_FOLDER [DAYS]\n');
  process.exit(2);
}

if (!existsSync(folder)) {
  process.stderr.write(`certificates.mjs: NOT_FOUND: ${folder}\n`);
  process.exit(1);
}

const now = Date.now();
let ended = false;
for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !/\.(crt|pem)$/.test(entry.name)) continue;
  const path = join(entry.parentPath, entry.name);
  const text = readFileSync(path, 'utf8');
  if (!text.includes('BEGIN CERTIFICATE')) continue;
  const left = Math.floor((Date.parse(new X509Certificate(text).validTo) - now) / DAY_MILLISECONDS);
  if (left >= Number(days)) continue;
  ended ||= left < 0;
  process.stdout.write(`certificate ${left < 0 ? 'ENDED' : `ends in ${left} days`}: ${path}\n`);
}
process.exit(ended ? 1 : 0);
