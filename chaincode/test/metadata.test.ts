// SPDX-License-Identifier: Apache-2.0
import { PACKAGES } from './world.js';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type ChaincodePackage, TestLedger } from './fabric-stub.js';

interface Metadata {
  readonly contracts: Readonly<Record<string, ContractMetadata>>;
  readonly components: { readonly schemas: object };
}
interface ContractMetadata {
  readonly contractInstance: object;
  readonly transactions: readonly TransactionMetadata[];
}
interface TransactionMetadata {
  readonly name: string;
  readonly tag: readonly string[];
  readonly parameters: readonly { name: string; schema: object }[];
  readonly returns?: { readonly type: string };
}

const QUERIES = [
  'evaluate GetHeader(region, startSeconds): string',
  'evaluate GetPage(region, startSeconds, page): string',
  'evaluate GetPageRows(region, startSeconds, page)',
  'evaluate GetSeal(region, startSeconds): string',
  'evaluate GetLatestSeal(region): string',
];
const INTERVAL = [
  'submit PutHeader(headerJson)',
  'submit PutPage(region, startSeconds, page)',
  'submit PutSeal(sealJson)',
];

/** What clients may call; a change here is a change of the chaincode's interface. */
const EXPECTED = {
  consumption: [
    'submit PutParameters(parametersJson)',
    'submit PutRegistryRoot(registryRootJson)',
    'submit PutDirectory(directoryJson)',
    'submit PutConsumers(consumersJson)',
    ...INTERVAL,
    'evaluate GetParameters(region, version): string',
    'evaluate GetRegistryRoot(region, epoch): string',
    'evaluate GetDirectory(region, epoch): string',
    'evaluate GetConsumers(region, epoch): string',
    ...QUERIES,
  ],
  pricing: [...INTERVAL, 'evaluate GetPrice(region, startSeconds): string', ...QUERIES],
  billing: [...INTERVAL, ...QUERIES],
} as const;

const NAMES = { consumption: 'ConsumptionContract', pricing: 'PricingContract', billing: 'BillingContract' } as const;

describe('metadata of the contracts', () => {
  const metadataOf = (chaincode: ChaincodePackage): Metadata =>
    new TestLedger().deploy('any', chaincode).channel('any').dispatcher.metadata as Metadata;

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
        for (const { schema } of parameters) assert.deepEqual(schema, { type: 'string' });
      }
      assert.deepEqual(contractInstance, { name: NAMES[kind], default: true });
      assert.deepEqual(components.schemas, {});
    });

    it(`of ${kind}: the bundle has the same`, () => {
      const path = join(__dirname, '..', '..', '..', 'chaincode', 'build', kind, 'index.js');
      // eslint-disable-next-line @typescript-eslint/no-require-imports
      const bundle = require(path) as ChaincodePackage;
      assert.deepEqual(metadataOf(bundle), metadataOf(PACKAGES[kind]));
    });
  }
});
