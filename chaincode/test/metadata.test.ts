// SPDX-License-Identifier: Apache-2.0
import { PACKAGES } from './world.js';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ChaincodePackage, metadataOf, type TransactionMetadata } from './fabric-stub.js';

const QUERIES = [
  'evaluate GetHeader(region, startSeconds): string',
  'evaluate GetPage(region, startSeconds, page): string',
  'evaluate GetPageRows(region, startSeconds, page)',
  'evaluate GetSeal(region, startSeconds): string',
  'evaluate GetLatestSeal(region): string',
];
const WRITER = ['submit PutHeader(headerJson)', 'submit PutPage(region, startSeconds, page)'];
const SUCCESSOR = 'evaluate GetSuccessor(region, replacedKey): string';
const SEAL = 'submit PutSeal(sealJson)';
const PROVIDED = [
  ...WRITER,
  'submit PutChoice(region, startSeconds, chosenDigest)',
  'submit ReopenHeader(region, startSeconds)',
  'submit PutSuccessor(successorJson)',
  SEAL,
];

/** What clients may call; a change here is a change of the chaincode's interface. */
const EXPECTED = {
  consumption: [
    'submit PutParameters(parametersJson)',
    'submit PutRegistryRoot(registryRootJson)',
    'submit PutDirectory(directoryJson)',
    'submit PutConsumers(consumersJson)',
    ...WRITER,
    SEAL,
    'evaluate GetParameters(region, version): string',
    'evaluate GetRegistryRoot(region, epoch): string',
    'evaluate GetDirectory(region, epoch): string',
    'evaluate GetConsumers(region, epoch): string',
    ...QUERIES,
  ],
  pricing: [...PROVIDED, 'evaluate GetPrice(region, startSeconds): string', SUCCESSOR, ...QUERIES],
  billing: [...PROVIDED, SUCCESSOR, ...QUERIES],
} as const;

const NAMES = { consumption: 'ConsumptionContract', pricing: 'PricingContract', billing: 'BillingContract' } as const;

const BUNDLES = join(__dirname, '..', '..', '..', 'chaincode', 'build');

describe('metadata of the contracts', () => {
  const signature = ({ name, tag, parameters, returns }: TransactionMetadata): string => {
    const kind = tag.includes('SUBMIT') ? 'submit' : 'evaluate';
    const list = parameters.map((parameter) => parameter.name).join(', ');
    return `${kind} ${name}(${list})${returns === undefined ? '' : `: ${returns.type}`}`;
  };

  for (const kind of ['consumption', 'pricing', 'billing'] as const) {
    it(`of ${kind}: one contract with exactly its transactions, all parameters strings`, () => {
      const { contracts, components } = metadataOf(PACKAGES[kind]);
      assert.deepEqual(Object.keys(contracts), [NAMES[kind], 'org.hyperledger.fabric']);
      const { transactions, contractInstance } = contracts[NAMES[kind]]!;
      assert.deepEqual(transactions.map(signature), EXPECTED[kind]);
      for (const { parameters } of transactions) {
        for (const { schema } of parameters) {
          assert.deepEqual(schema, { type: 'string' });
        }
      }
      assert.deepEqual(contractInstance, { name: NAMES[kind], default: true });
      assert.deepEqual(components.schemas, {});
    });

    it(`of ${kind}: the bundle has the same`, () => {
      // eslint-disable-next-line @typescript-eslint/no-require-imports
      const bundle = require(join(BUNDLES, kind, 'index.js')) as ChaincodePackage;
      assert.deepEqual(metadataOf(bundle), metadataOf(PACKAGES[kind]));
    });

    it(`of ${kind}: the bundle's package.json says what it runs with, and nothing of development`, () => {
      const manifest = JSON.parse(readFileSync(join(BUNDLES, kind, 'package.json'), 'utf8')) as object;
      const fields = ['name', 'version', 'license', 'private', 'type', 'main', 'engines', 'dependencies', 'overrides'];
      assert.deepEqual(Object.keys(manifest), fields);
    });
  }
});
