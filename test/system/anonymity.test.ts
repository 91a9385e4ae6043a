// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { common, ledger as ledgerProtos, peer } from '@hyperledger/fabric-protos';
import type { DecodedTransaction } from '../../client-apps/ledger/index.js';
import { toHex } from '../../protocol/crypto/bytes.js';
import { decodeParametersFile } from '../../protocol/ledger/bulletin.js';
import { parseCanonical } from '../../protocol/ledger/canonical-json.js';
import { decodeConsumerList } from '../../protocol/ledger/consumer-list.js';
import { decodeHeader } from '../../protocol/ledger/header.js';
import { decodeSignedHeader } from '../../protocol/ledger/signed-header.js';
import { decodeSignedParameters } from '../../protocol/ledger/parameters-json.js';
import { decodeRegistryRoot } from '../../protocol/ledger/registry-root.js';
import { LEDGER_KINDS, rowPseudonym, type LedgerKind } from '../../protocol/ledger/row.js';
import { splitRows } from '../../protocol/ledger/page.js';
import { decodeSignedSeal } from '../../protocol/ledger/seal.js';
import { decodeSignedDirectory } from '../../protocol/onion/directory-format.js';
import { MODES, modesText } from '../support/modes.js';
import { meterSecrets, partySecrets, type MeterSecrets } from '../support/system/run-secrets.js';
import { formsOf, search, type Finding, type Place, type Secret } from '../support/system/secret-search.js';
import { ROLES } from '../support/ledger/kind.js';
import { needsLedgersOfItsOwn } from '../support/ledger/ledger-under-test.js';
import { RUN_MILLISECONDS, SEED, SMALL, smallRun, type OpenedRun } from '../support/system/system-run.js';

const REGION = SMALL.region;

/** Keys of the ledgers that a service provider writes; a successor is found by the key of the one that it replaces. */
const PROVIDED_KEYS = new RegExp(
  `^((header|choice|seal)/${REGION}/\\d{12}|page/${REGION}/\\d{12}/\\d{4}|latest/${REGION}|successor/${REGION}/[0-9a-f]{64})$`,
);

/** All keys that the world states may have. None names a meter. */
const KEYS: Record<LedgerKind, RegExp> = {
  consumption: new RegExp(
    `^(parameters/${REGION}/(\\d{6}|latest)|(registry|directory|consumers)/${REGION}/\\d{5}|` +
      `(header|started|seal)/${REGION}/\\d{12}|page/${REGION}/\\d{12}/\\d{4}|latest/${REGION})$`,
  ),
  pricing: PROVIDED_KEYS,
  billing: PROVIDED_KEYS,
};

/** Fields that an event may carry. */
const EVENT_FIELDS: Readonly<Record<string, readonly string[]>> = {
  PutParameters: ['region', 'version'],
  PutRegistryRoot: ['epoch', 'region'],
  PutDirectory: ['epoch', 'region'],
  PutConsumers: ['epoch', 'region'],
  PutHeader: ['kind', 'region', 'startSeconds'],
  PutPage: ['kind', 'page', 'region', 'startSeconds'],
  PutChoice: ['kind', 'region', 'startSeconds'],
  PutSeal: ['kind', 'region', 'startSeconds'],
};

/** What a transaction may have as its argument: exactly one of the published documents, or the place of a page. */
const ARGUMENTS: Readonly<Record<string, (args: readonly Uint8Array[]) => unknown>> = {
  PutParameters: ([json]) => decodeSignedParameters(json!),
  PutRegistryRoot: ([json]) => decodeRegistryRoot(json!),
  PutDirectory: ([json]) => decodeSignedDirectory(json!),
  PutConsumers: ([json]) => decodeConsumerList(json!),
  PutHeader: ([json]) => (text(json!).startsWith('{"header":') ? decodeSignedHeader(json!) : decodeHeader(json!)),
  PutChoice: (args) => assert.match(args.map(text).join(' '), new RegExp(`^${REGION} \\d{10} [0-9a-f]{64}$`)),
  PutSeal: ([json]) => decodeSignedSeal(json!),
  PutPage: (args) => assert.match(args.map(text).join(' '), new RegExp(`^${REGION} \\d{10} \\d{1,4}$`)),
};

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Says what was found and where, but not all of it. */
function nothing(found: readonly Finding[]): void {
  const first = found.slice(0, 5).map(({ secret, form, place }) => `${secret} as ${form} in ${place}`);
  assert.equal(found.length, 0, `found ${found.length} times: ${first.join('; ')}`);
}

for (const modes of MODES) {
  describe(`what a whole run leaves behind (${modesText(modes)})`, function () {
    this.timeout(RUN_MILLISECONDS);
    needsLedgersOfItsOwn();
    let run: OpenedRun;
    let meters: MeterSecrets[];
    /** Pseudonyms that stand in rows, hex. */
    let published: Set<string>;

    before(async () => {
      run = await smallRun(modes);
      const [version] = decodeParametersFile(await readFile(join(run.out, 'parameters.json')));
      const { publicKey } = version!.parameters.controlCenter;
      meters = SMALL.readings.households.map((_, index) =>
        meterSecrets({
          seed: SEED,
          index,
          readings: SMALL.readings,
          controlCenterPublicKey: publicKey,
          identityMode: modes.identityMode,
        }),
      );
      published = new Set();
      for (const { ledgerId } of run.outcome.intervals) {
        const file = join(run.out, 'bulletin', REGION, String(ledgerId.startSeconds), 'consumption.rows');
        for (const row of splitRows(await readFile(file))) {
          published.add(toHex(rowPseudonym(row)));
        }
      }
    });

    /** All but what deployed the chaincodes: on Fabric that is before any party of ours runs. */
    const transactions = (kind: LedgerKind): DecodedTransaction[] =>
      run.blocks
        .get(kind)!
        .flatMap((block) => block.transactions)
        .filter(({ endorsed: action }) => action?.chaincode !== '_lifecycle');
    const all = (): DecodedTransaction[] => LEDGER_KINDS.flatMap(transactions);
    const endorsed = (kind: LedgerKind) => transactions(kind).flatMap((transaction) => transaction.endorsed ?? []);

    /** Envelopes as they stand in the blocks hold everything; keys, values, arguments and events again, one by one. */
    const ledgerPlaces = (): Place[] =>
      LEDGER_KINDS.flatMap((kind) => [
        ...transactions(kind).map(({ envelope }, index) => ({ name: `${kind} envelope ${index}`, bytes: envelope })),
        ...run.blocks
          .get(kind)!
          .flatMap(({ metadata }) => metadata.map((bytes) => ({ name: `${kind} metadata`, bytes }))),
        ...endorsed(kind).flatMap((action) => [
          ...action.arguments.map((bytes) => ({ name: `${kind} argument`, bytes })),
          ...action.writes.map(({ key, value }) => ({
            name: `${kind} value of ${key}`,
            bytes: value ?? new Uint8Array(),
          })),
          ...action.writes.map(({ key }) => ({ name: `${kind} key ${key}`, bytes: Buffer.from(key) })),
          ...(action.event === undefined ? [] : [{ name: `${kind} event`, bytes: action.event.payload }]),
          { name: `${kind} result`, bytes: action.result },
        ]),
      ]);
    const logPlaces = (): Place[] => [...run.logs].map(([name, bytes]) => ({ name: `log ${name}`, bytes }));

    it('the search finds a planted secret in every form and kind of place', () => {
      const secret: Secret = { name: 'planted', bytes: randomBytes(32) };
      const places = [...ledgerPlaces(), ...logPlaces()];
      const kinds = new Map(
        places
          .filter(({ bytes }) => bytes.length > 0)
          .map((place) => [place.name.split(' ').slice(0, 2).join(' '), place]),
      );
      assert.ok(kinds.size >= 15, 'envelopes, keys, values, arguments, events of three channels, and logs');
      for (const place of kinds.values()) {
        for (const [form, needle] of formsOf(secret.bytes)) {
          const middle = Math.floor(place.bytes.length / 2);
          const bytes = Buffer.concat([place.bytes.subarray(0, middle), needle, place.bytes.subarray(middle)]);
          const found = search([secret], [{ name: place.name, bytes }]);
          assert.ok(
            found.some((finding) => finding.form === form),
            `${form} in ${place.name}`,
          );
        }
      }
      // As an encoder would write it, after one, two and three other bytes.
      for (let before = 1; before <= 3; before++) {
        const encoded = Buffer.concat([randomBytes(before), secret.bytes, randomBytes(5)]).toString('base64');
        assert.equal(search([secret], [{ name: 'base64', bytes: Buffer.from(encoded) }]).length > 0, true);
      }
      nothing(search([secret], places));
    });

    it('the search finds what is there: the pseudonyms of published rows, in pages and headers', () => {
      const secrets = [...published].map((hex) => ({ name: hex, bytes: Buffer.from(hex, 'hex') }));
      const found = search(secrets, ledgerPlaces());
      const inPages = new Set(
        found.filter(({ place, form }) => form === 'raw' && /value of page/.test(place)).map(({ secret }) => secret),
      );
      assert.deepEqual(inPages, published);
      assert.ok(found.some(({ form, place }) => form === 'hex' && /value of header/.test(place)));
    });

    it('no secret of a meter, hub or party is in a block, a state value, an event or a log', () => {
      const own = [...partySecrets(SEED), ...meters.flatMap(({ secrets }) => secrets)];
      nothing(search(own, [...ledgerPlaces(), ...logPlaces()]));
    });

    it('no pseudonym that was not published is anywhere, and no pseudonym at all in keys, events or logs', () => {
      const pseudonyms = meters.flatMap(({ pseudonyms: own }, index) =>
        own.map((bytes, k) => ({ name: `meter ${index}: pseudonym ${k + 1}`, bytes })),
      );
      const unpublished = pseudonyms.filter(({ bytes }) => !published.has(toHex(bytes)));
      assert.equal(pseudonyms.length - unpublished.length, published.size, 'every published pseudonym is of a meter');
      assert.ok(unpublished.length > meters.length);
      nothing(search(unpublished, [...ledgerPlaces(), ...logPlaces()]));
      const quiet = ledgerPlaces().filter(({ name }) => / (key|event|result)/.test(name));
      // Fabric's shim, which is not ours, writes at this level what a contract reads of another channel: published rows.
      const ownLogs = logPlaces().filter(({ name }) => !/chaincode-|-chaincode\.log$/.test(name));
      nothing(search(pseudonyms, [...quiet, ...ownLogs]));
    });

    it('all keys, read or written, are on the list', () => {
      for (const kind of LEDGER_KINDS) {
        for (const { reads, writes } of endorsed(kind)) {
          for (const { namespace, key } of [...reads, ...writes]) {
            // The peer itself reads the chaincode's definition.
            if (namespace === '_lifecycle' || namespace === 'lscc') {
              continue;
            }
            assert.ok(LEDGER_KINDS.includes(namespace as LedgerKind), namespace);
            assert.match(key, KEYS[namespace as LedgerKind]);
          }
        }
      }
    });

    it('all events are on the list, with these fields only', () => {
      for (const {
        event,
        arguments: [name],
      } of LEDGER_KINDS.flatMap(endorsed)) {
        if (event === undefined) {
          continue;
        }
        assert.equal(event.name, text(name!));
        const fields = Object.keys(parseCanonical(event.payload, 1_000) as object).sort();
        assert.deepEqual(fields, EVENT_FIELDS[event.name]);
      }
    });

    it('arguments are published documents or the place of a page; rows and witnesses are in none', () => {
      for (const {
        arguments: [name, ...rest],
      } of LEDGER_KINDS.flatMap(endorsed)) {
        const check = ARGUMENTS[text(name!)];
        assert.ok(check !== undefined, text(name!));
        assert.equal(rest.length, ['PutPage', 'PutChoice'].includes(text(name!)) ? 3 : 1);
        check(rest);
      }
    });

    it('no transaction touches private data, whose hashes would be on the ledger', () => {
      for (const { envelope, kind } of all()) {
        if (kind !== 'endorsed') {
          continue;
        }
        const payload = common.Payload.deserializeBinary(common.Envelope.deserializeBinary(envelope).getPayload_asU8());
        const action = peer.Transaction.deserializeBinary(payload.getData_asU8()).getActionsList()[0]!;
        const endorsedAction = peer.ChaincodeActionPayload.deserializeBinary(action.getPayload_asU8()).getAction()!;
        const response = peer.ProposalResponsePayload.deserializeBinary(
          endorsedAction.getProposalResponsePayload_asU8(),
        );
        const results = peer.ChaincodeAction.deserializeBinary(response.getExtension_asU8()).getResults_asU8();
        const sets = ledgerProtos.rwset.TxReadWriteSet.deserializeBinary(results).getNsRwsetList();
        for (const set of sets) {
          assert.equal(set.getCollectionHashedRwsetList().length, 0);
        }
      }
    });

    it('only the control center and the service provider submit: meters and hubs are not clients of the ledger', () => {
      const submitters = new Set(
        all()
          .filter(({ kind }) => kind === 'endorsed')
          .map(({ creatorMspId }) => creatorMspId),
      );
      assert.deepEqual([...submitters].sort(), [ROLES.controlCenter, ROLES.serviceProvider]);
    });
  });
}
