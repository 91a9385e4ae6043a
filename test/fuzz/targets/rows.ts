// SPDX-License-Identifier: Apache-2.0
import { concatBytes, equalBytes, fromHex, requireLength, toHex } from '../../../protocol/crypto/bytes.js';
import { nobleCrypto } from '../../../protocol/crypto/noble.js';
import { sodiumCrypto } from '../../../protocol/crypto/sodium.js';
import { decodeWitnesses, encodeWitnesses } from '../../../protocol/identity/witness.js';
import { parseKilowattHours } from '../../../protocol/energy/units.js';
import { INDEX_FILE, ROWS_FILE, SEALS_FILE } from '../../../protocol/ledger/bulletin.js';
import { parseAmount, parseInteger } from '../../../protocol/ledger/canonical-json.js';
import { buildHeader } from '../../../protocol/ledger/header.js';
import { decodeIndex } from '../../../protocol/ledger/index-file.js';
import { decodeLedgerId, encodeLedgerId, LEDGER_ID_LENGTH } from '../../../protocol/ledger/ledger-id.js';
import { decodeRow, encodeRow } from '../../../protocol/ledger/row.js';
import { parseAddress } from '../../../protocol/onion/directory-format.js';
import { checkConsumptionPage } from '../../../protocol/rules/check-page.js';
import { intervalContext } from '../../../protocol/rules/interval-context.js';
import { verifyInterval } from '../../../protocol/rules/verify-interval.js';
import { parseHandles } from '../../../client-apps/bulletin/recompute.js';
import { filesOf } from '../../support/bulletin.js';
import { IntervalMaker } from '../../support/interval.js';
import { FakeRegion } from '../../support/region.js';
import { joinInput, splitInput, textOf, utf8, type FuzzTarget } from '../input.js';
import { attempt, codec } from '../target.js';

const region = new FakeRegion();
const { parameters } = region;
const interval = new IntervalMaker(region).next(new Array<number>(12).fill(1));
const { ledgerId } = interval;
const context = intervalContext(sodiumCrypto, parameters, ledgerId.startSeconds);
const witnesses = interval.witnessedRows.map(({ witness }) => witness);
const root = region.registryRoot(0).registryRoot;
const files = filesOf(interval);
const FILE_NAMES = [SEALS_FILE, INDEX_FILE, ROWS_FILE.consumption, ROWS_FILE.pricing, ROWS_FILE.billing] as const;

/** An interval's files with one of them replaced: number of the file, then its bytes. */
const intervalFiles: FuzzTarget = {
  name: 'interval-files',
  seeds: () => FILE_NAMES.map((name, file) => concatBytes(Uint8Array.of(file), files.get(name)!)),
  run(bytes) {
    const name = FILE_NAMES[(bytes[0] ?? 0) % FILE_NAMES.length]!;
    const changed = new Map(files).set(name, bytes.slice(1));
    const trust = { parameters: [region.signedParameters], previous: 'first', depth: 'full' } as const;
    const accepted = attempt(() => verifyInterval(sodiumCrypto, ledgerId, changed, trust)) !== undefined;
    if (accepted && !equalBytes(changed.get(name)!, files.get(name)!)) {
      throw new Error(`another ${name} was accepted`);
    }
    return accepted;
  },
};

/** Signatures and shared secrets: what one back end accepts, the other does too. */
const backEnds: FuzzTarget = {
  name: 'signatures',
  seeds: () => {
    const message = utf8('message');
    const key = region.serviceProvider;
    return [joinInput(key.sign(message), message, key.publicKey)];
  },
  run(bytes) {
    const [signature, message, key] = splitInput(bytes, 3) as [Uint8Array, Uint8Array, Uint8Array];
    const [sodium, noble] = [sodiumCrypto, nobleCrypto].map((crypto) => ({
      verified: attempt(() => crypto.ed25519Verify(signature, message, key))?.value,
      prime: attempt(() => crypto.ed25519IsPrimeOrder(key))?.value,
      shared: attempt(() => toHex(crypto.x25519(region.secret('x25519'), key)))?.value,
    }));
    if (JSON.stringify(sodium) !== JSON.stringify(noble)) {
      throw new Error(`the back ends differ: ${JSON.stringify({ sodium, noble })}`);
    }
    return sodium?.verified === true;
  },
};

/** Numbers, hexadecimal and handles from text. */
const numbers: FuzzTarget = {
  name: 'numbers',
  seeds: () =>
    [
      '0',
      'relay.example:7000',
      '[::1]:7000',
      '340282366920938463463374607431768211455',
      '12.5',
      toHex(region.secret('x')),
    ].map(utf8),
  run(bytes) {
    const text = textOf(bytes);
    const amount = attempt(() => parseAmount(text));
    const number = attempt(() => parseInteger(text, 0, Number.MAX_SAFE_INTEGER));
    const hex = attempt(() => fromHex(text));
    if ([amount, number].some((found) => found !== undefined && String(found.value) !== text)) {
      throw new Error(`a number with a second spelling was accepted: ${text}`);
    }
    if (hex !== undefined && toHex(hex.value) !== text) {
      throw new Error('hexadecimal with a second spelling was accepted');
    }
    const others = [
      attempt(() => parseKilowattHours(text)),
      attempt(() => parseHandles(text)),
      attempt(() => parseAddress(text)),
    ];
    return [amount, number, hex, ...others].some((found) => found !== undefined);
  },
};

/** Rows, pages, witnesses and what is made of them. */
export const targets: readonly FuzzTarget[] = [
  codec('row', {
    decode: decodeRow,
    encode: encodeRow,
    seeds: () => [interval.pricing.rows.subarray(0, 177), ...interval.witnessedRows.slice(0, 2).map(({ row }) => row)],
  }),
  codec('ledger-id', {
    decode: (bytes) => {
      requireLength(bytes, LEDGER_ID_LENGTH, 'ledger id'); // it is part of a row
      return decodeLedgerId(bytes);
    },
    encode: encodeLedgerId,
    seeds: () => [encodeLedgerId(ledgerId)],
  }),
  codec('page', {
    decode: (rows) => {
      const header = { kind: 'consumption', ledgerId, parametersVersion: 1, registryEpoch: 0 } as const;
      return { rows, header: buildHeader(sodiumCrypto, header, rows) };
    },
    use: ({ rows, header }) =>
      checkConsumptionPage(sodiumCrypto, rows, context, { entry: header.pages[0]!, witnesses, registryRoot: root }),
    seeds: () => [interval.consumption.rows],
  }),
  codec('index-file', { decode: decodeIndex, seeds: () => [interval.index] }),
  codec('witnesses', {
    decode: (bytes) => decodeWitnesses(bytes, interval.witnessedRows.length, parameters.registryDepth),
    encode: (decoded) => encodeWitnesses(decoded, parameters.registryDepth),
    seeds: () => interval.witnesses,
  }),
  intervalFiles,
  backEnds,
  numbers,
];
