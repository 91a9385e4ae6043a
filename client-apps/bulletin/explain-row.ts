// SPDX-License-Identifier: Apache-2.0
import { equalBytes, toHex } from '../../protocol/crypto/bytes.js';
import type { Crypto } from '../../protocol/crypto/crypto.js';
import { decodeRow, ROW_LENGTH, ROW_OFFSET, rowMessage, verifyRowSignature } from '../../protocol/ledger/row.js';
import type { Row, RowType } from '../../protocol/ledger/row.js';
import type { Parameters } from '../../protocol/ledger/parameters.js';
import { formatMilliWattHours, formatNanoCurrency } from '../../protocol/energy/units.js';
import { rowTimeSeconds } from '../../protocol/schedule/windows.js';

/** A field of a row, by the paper's symbol and this project's name. */
export interface ExplainedField {
  readonly name: string;
  /** The paper's symbol. */
  readonly symbol: string;
  /** Offset of its first byte in the row, and its length. */
  readonly offset: number;
  readonly length: number;
  /** Its bytes, hex. */
  readonly bytes: string;
  readonly meaning: string;
}

/** A check of a row alone, or of the row and the parameters. */
export interface ExplainedCheck {
  readonly check: string;
  readonly ok: boolean;
}

/** A row in the paper's notation. */
export interface ExplainedRow {
  /** Kind of the row, and the paper's table that defines it. */
  readonly title: string;
  readonly fields: readonly ExplainedField[];
  /** H_2 of the signed bytes, hex. */
  readonly message: string;
  readonly checks: readonly ExplainedCheck[];
  /** Properties that the row does not show, and what checks them. */
  readonly beyond: readonly string[];
}

/** Notation of the paper for a row of each type. */
interface Notation {
  readonly title: string;
  readonly type: string;
  readonly ledger: string;
  /** In the modes of the row's region; undefined when they are not known. */
  readonly pseudonym: (modes?: Pick<Parameters, 'identityMode' | 'priceMode'>) => string;
  readonly time: string;
  readonly value: string;
  readonly key: string;
  readonly signer: string;
  readonly beyond: readonly string[];
}

/** One of two notations of A, or both when the mode is unknown. */
const either = (first: string, second: string, where: string, isSecond?: boolean): string =>
  isSecond === undefined ? `${first}, or ${second} in ${where}` : isSecond ? second : first;

const meterPseudonym: Notation['pseudonym'] = (modes) =>
  either(
    'A = H(H1(sk_{i,CC}) ‖ ID_i)',
    'A = nonce ‖ AES(i, k)',
    'identity mode encryption (Remark 4)',
    modes && modes.identityMode === 'encryption',
  );

const NOTATION: Record<RowType, Notation> = {
  0: {
    title: 'consumption: a row of the ledger L_OCD_j (Table 1)',
    type: '00',
    ledger: 'OCD_j',
    pseudonym: meterPseudonym,
    time: 'T_{i,j,k}',
    value: 'c_{i,j,k}',
    key: 'sigPk_{i,k}',
    signer: 'sigSk_{i,k}',
    beyond: [
      'whose row it is: known only to the meter, its household and the control center',
      'registration of the meter: the control center and its peers checked A, sigPk and the registry',
    ],
  },
  1: {
    title: 'price: a row of the ledger L_DAP_j (Table 2, or Table 4 where each consumer has a row)',
    type: '01',
    ledger: 'DAP_j',
    pseudonym: (modes) =>
      either(
        'A = H(H1(sk_{SP,CC}) ‖ ID_SP)',
        'A = H(H1(sk_{SP,Ui}) ‖ ID_SP)',
        'price mode direct (Table 4)',
        modes && modes.priceMode === 'direct',
      ),
    time: 'T_{SP,j}',
    value: 'p_j',
    key: 'sigPk_SP',
    signer: 'sigSk_SP',
    beyond: ['the price against the tariff: gridveil verify computes it from the sealed total'],
  },
  2: {
    title: 'bill: a row of the ledger L_BC_j (Table 3)',
    type: '10',
    ledger: 'BC_j',
    pseudonym: meterPseudonym,
    time: 'T_{SP,j,l}',
    value: 'B_{i,j,k}',
    key: 'sigPk_SP',
    signer: 'sigSk_SP',
    beyond: ['B = p · c: gridveil verify compares it with the consumption row of the same A'],
  },
};

/**
 * Explains a row field by field in the paper's notation, and checks what can be checked.
 *
 * @param bytes 177 bytes
 * @param parameters in force for the row's ledger: with them its time, value and key are checked too
 * @throws ProtocolError BAD_LENGTH, WRONG_TYPE, MALFORMED
 */
export function explainRow(crypto: Crypto, bytes: Uint8Array, parameters?: Parameters): ExplainedRow {
  const row = decodeRow(bytes);
  const notation = NOTATION[row.type];
  const signed = [notation.type, notation.ledger, 'A', notation.time, notation.value].join(' ‖ ');
  const started = time(row.ledgerId.startSeconds);
  const signature = toHex(row.signature);
  const fields = [
    ['type', notation.type, ROW_OFFSET.type, notation.title],
    ['ledger id', notation.ledger, ROW_OFFSET.ledgerId, `region ${row.ledgerId.region}, interval from ${started}`],
    ['pseudonym', notation.pseudonym(parameters), ROW_OFFSET.pseudonym, 'pseudonym, used for this message only'],
    ['time', notation.time, ROW_OFFSET.time, `${time(row.timeSeconds)}: end of the interval, the same in every row`],
    ['value', notation.value, ROW_OFFSET.value, valueText(row)],
    ['key', notation.key, ROW_OFFSET.signaturePublicKey, 'verification key of the signature: Z = g^z'],
    [
      'signature',
      `sigSign_{${notation.signer}}(H2(${signed}))`,
      ROW_OFFSET.signature,
      `R = ${signature.slice(0, 64)}, y = ${signature.slice(64)}`,
    ],
  ] as const;
  return {
    title: notation.title,
    fields: fields.map(([name, symbol, offset, meaning], i) => {
      const end = fields[i + 1]?.[2] ?? ROW_LENGTH;
      return { name, symbol, offset, length: end - offset, bytes: toHex(bytes.subarray(offset, end)), meaning };
    }),
    message: toHex(rowMessage(crypto, bytes)),
    checks: [
      {
        check: 'signature is valid: g^y = R · Z^c with c = H(R ‖ Z ‖ H2(…))',
        ok: verifyRowSignature(crypto, bytes),
      },
      ...(parameters === undefined ? [] : parameterChecks(row, parameters)),
    ],
    beyond: notation.beyond,
  };
}

function parameterChecks(row: Row, parameters: Parameters): ExplainedCheck[] {
  const { intervalSeconds, categoriesMilliWattHours, serviceProvider } = parameters;
  const category = categoriesMilliWattHours.indexOf(row.value) + 1;
  const place = category > 0 ? `category ${category}` : 'none';
  return [
    { check: `region is ${parameters.region}`, ok: row.ledgerId.region === parameters.region },
    {
      check: `T is s + L, L = ${intervalSeconds} s`,
      ok: row.timeSeconds === rowTimeSeconds(parameters, row.ledgerId.startSeconds),
    },
    row.type === 0
      ? { check: `c is one of the five categories (${place})`, ok: category > 0 }
      : {
          check: "sigPk is the service provider's key",
          ok: equalBytes(row.signaturePublicKey, serviceProvider.signaturePublicKey),
        },
  ];
}

function valueText({ type, value }: Row): string {
  if (type === 0) {
    return formatMilliWattHours(value);
  }
  return type === 1 ? `${formatNanoCurrency(value)} per kWh` : formatNanoCurrency(value);
}

function time(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}
