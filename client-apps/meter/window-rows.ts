// SPDX-License-Identifier: Apache-2.0
import type { Crypto } from '../../protocol/crypto/crypto.js';
import { oneTimeKey } from '../../protocol/identity/one-time-key.js';
import { rowTimeSeconds } from '../../protocol/schedule/windows.js';
import type { Parameters } from '../../protocol/ledger/parameters.js';
import { ROW_TYPE, signRow } from '../../protocol/ledger/row.js';
import type { PacketRow } from '../../protocol/onion/control-center-payload.js';
import type { Handle } from '../../protocol/onion/hub-payload.js';
import type { EpochKeys, LedgerInFlight, RowInFlight } from './state.js';

/**
 * Signs the rows of a ledger. Signatures are deterministic, so a restarted meter makes the same bytes, and only the k
 * and the pseudonym of a row are stored.
 */
export function signRows(crypto: Crypto, keys: EpochKeys, parameters: Parameters, ledger: LedgerInFlight): PacketRow[] {
  return ledger.rows.map(({ k, pseudonym, milliWattHours }: RowInFlight) => {
    const key = oneTimeKey(crypto, keys.epochNode, k);
    const content = {
      type: ROW_TYPE.consumption,
      ledgerId: { region: parameters.region, startSeconds: ledger.startSeconds },
      pseudonym,
      timeSeconds: rowTimeSeconds(parameters, ledger.startSeconds),
      value: milliWattHours,
    };
    const row = signRow(crypto, content, key);
    key.wipe();
    return { k, row };
  });
}

/**
 * Order in which a window's rows are sent: each once, as early as there are places, then repeats in turn, so that a
 * lost packet costs nothing while there are places left.
 */
export class WindowRows {
  #sent = 0;
  #repeated = 0;

  readonly #rows: readonly PacketRow[];

  /** @param rows the window's rows, signed */
  constructor(
    readonly ledger: LedgerInFlight,
    rows: readonly PacketRow[],
  ) {
    this.#rows = rows;
  }

  /** Returns the rows of the next packet, at most `places`, without duplicates. */
  next(places: number): PacketRow[] {
    const before = this.#sent;
    const fresh = this.#rows.slice(before, before + places);
    this.#sent += fresh.length;
    const repeats = Math.min(places - fresh.length, before);
    const packet = [...fresh];
    for (let index = 0; index < repeats; index++) {
      packet.push(this.#rows[this.#repeated++ % before]!);
    }
    return packet;
  }

  /** Returns the handles of the rows sent at least once, oldest first. */
  handles(): Handle[] {
    const { epoch, rows } = this.ledger;
    return rows.slice(0, this.#sent).map(({ k, pseudonym }) => ({ epoch, k, pseudonym }));
  }
}
