// SPDX-License-Identifier: Apache-2.0
import { pino, type Logger } from 'pino';

/**
 * Structured log of a party. Counts and codes only: never a meter, a pseudonym, an address of a household, a key. The one
 * exception is the control center's alarm of a meter beyond its connection limit, for its operator.
 */
export type Log = Logger;

/**
 * Field names that hold secrets or name a meter. They are never logged on purpose; as a safeguard their values are
 * redacted, at the top and one level down.
 */
const REDACTED = [
  'secretKey',
  'seed',
  'linkKey',
  'meterKey',
  'epochNode',
  'pseudonym',
  'previous',
  'meterNumber',
  'identity',
  'enrolmentCode',
  'sealedKey',
  'proof',
  'certificate',
].flatMap((name) => [name, `*.${name}`]);

/** A log on stderr (stdout is for results), one JSON object a line. `level` as pino's; `silent` for tests. */
export function createLog(party: string, level: string = 'info'): Log {
  return pino(
    { name: party, level, base: { name: party }, redact: { paths: REDACTED, censor: '[redacted]' } },
    pino.destination({ dest: 2, sync: true }),
  );
}
