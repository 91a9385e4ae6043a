// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '../../protocol/crypto/bytes.js';
import { LEDGER_KINDS, rowPseudonym } from '../../protocol/ledger/row.js';
import { IntervalMaker, type FakeInterval } from '../support/interval.js';
import { requireOwn, useLedger } from '../support/ledger/ledger-under-test.js';
import { useClients, CONSUMERS_MSP, fakeRegion, RegionOnLedger } from '../support/ledger/region-on-ledger.js';

const ROWS = Array.from({ length: 25 }, (_, row) => row % 5);

describe('transient data', function () {
  this.timeout(120_000);
  const ledger = useLedger();
  const kit = fakeRegion('secrets');
  const clients = useClients(ledger);
  let interval: FakeInterval;
  let blocks: Buffer[];
  let files: { readonly path: string; readonly content: Buffer }[];

  before(async () => {
    const region = new RegionOnLedger(clients(), kit);
    await region.begin();
    interval = new IntervalMaker(kit).next(ROWS);
    await region.complete(interval);
    // Refused after the secrets were read, so that they might be in an error or a log.
    const changed = interval.witnesses[0]!.slice();
    changed[70]! ^= 1;
    const next = new IntervalMaker(kit, 1).next(ROWS);
    await region.putHeader(next.consumption.header);
    await assert.rejects(
      region.putPage('consumption', {
        ledgerId: next.ledgerId,
        page: 0,
        rows: next.consumption.rows,
        witnesses: changed,
      }),
    );
    blocks = await allBlocks();
    files = ledgerFiles();
  });

  /** What the transient map held, of two rows, and what the pricing contract was given. */
  const secrets = (): Uint8Array[] => [
    kit.pricePseudonymKey,
    ...interval.witnessedRows
      .slice(0, 2)
      .flatMap(({ witness }) => [witness.identity, witness.linkKey, witness.epochNode, witness.siblings[0]!]),
  ];

  /** The relay directory holds one value of 32 bytes of our choice in hexadecimal, each row one as it is. */
  const planted = (): Record<string, Uint8Array> => ({
    hexadecimal: kit.secret('control center link'),
    raw: rowPseudonym(interval.witnessedRows[0]!.row),
  });

  it('is found where it was planted in the blocks', () => {
    for (const [form, secret] of Object.entries(planted())) {
      assert.ok(
        blocks.some((block) => holds(block, secret)),
        form,
      );
    }
  });

  it('is found where it was planted in the files of the ledger', function () {
    requireOwn(this, ledger());
    for (const [form, secret] of Object.entries(planted())) {
      assert.ok(
        files.some(({ content }) => holds(content, secret)),
        form,
      );
    }
  });

  it('is in no block', () => {
    for (const secret of secrets()) {
      assert.ok(!blocks.some((block) => holds(block, secret)));
    }
  });

  it('is in no file of the ledger, its chaincodes and their logs', () => {
    for (const { path, content } of files) {
      for (const secret of secrets()) {
        assert.ok(!holds(content, secret), path);
      }
    }
  });

  /** Every envelope of every channel, which is all that is hashed into a block, and all metadata. */
  async function allBlocks(): Promise<Buffer[]> {
    const found: Buffer[] = [];
    const client = clients().of(CONSUMERS_MSP);
    for (const kind of LEDGER_KINDS) {
      for await (const block of client.blocks(kind, 0n, (await client.height(kind)) - 1n)) {
        found.push(Buffer.concat([...block.transactions.map(({ envelope }) => envelope), ...block.metadata]));
      }
    }
    return found;
  }

  function ledgerFiles(): { path: string; content: Buffer }[] {
    const { directory, organizations } = ledger();
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !path.startsWith(organizations))
      .map((path) => ({ path, content: readFileSync(path) }));
  }
});

/** Whether bytes hold a secret as it is, in hexadecimal of either case, or in base64 at any of the three alignments. */
function holds(bytes: Buffer, secret: Uint8Array): boolean {
  const hex = toHex(secret);
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), secret])
      .toString('base64')
      .slice(4, -4),
  );
  return [Buffer.from(secret), hex, hex.toUpperCase(), ...base64].some((spelling) => bytes.includes(spelling));
}
