// SPDX-License-Identifier: Apache-2.0
// Writes a chaincode package of type ccaas:
//   node package.mjs FILE LABEL ADDRESS ROOT_CERT CLIENT_CERT CLIENT_KEY
// ADDRESS is where the peer dials the chaincode server, host:port; the peer's builder may fill in placeholders.
// A package's id is the hash of its bytes, so times, owners and order are fixed: the same content is the same package.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const BLOCK = 512;

/** One regular file in ustar format (POSIX.1-1988): header block, content, zero padding to a whole block. */
function ustarEntry(name, content) {
  const header = Buffer.alloc(BLOCK);
  const octal = (value, digits) => `${value.toString(8).padStart(digits, '0')}\0`;
  header.write(name, 0);
  header.write(octal(0o644, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(content.length, 11), 124);
  header.write(octal(0, 11), 136);
  header.write(' '.repeat(8), 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  const checksum = header.reduce((sum, byte) => sum + byte, 0);
  header.write(`${checksum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]);
}

function tarGz(files) {
  const entries = Object.entries(files).map(([name, content]) => ustarEntry(name, Buffer.from(content)));
  return gzipSync(Buffer.concat([...entries, Buffer.alloc(2 * BLOCK)]));
}

const [file, label, address, rootCert, clientCert, clientKey] = process.argv.slice(2);
const text = (path) => readFileSync(path, 'utf8');
const connection = {
  address,
  dial_timeout: '10s',
  tls_required: true,
  client_auth_required: true,
  root_cert: text(rootCert),
  client_cert: text(clientCert),
  client_key: text(clientKey),
};
const code = tarGz({ 'connection.json': JSON.stringify(connection) });
writeFileSync(
  `${file}.partial`,
  tarGz({ 'metadata.json': JSON.stringify({ type: 'ccaas', label }), 'code.tar.gz': code }),
);
renameSync(`${file}.partial`, file);
