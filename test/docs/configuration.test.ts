// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { consumerConfig, consumerHostConfig } from '../../client-apps/consumer/config.js';
import { controlCenterConfig } from '../../client-apps/control-center/config.js';
import { meterConfig, meterHostConfig } from '../../client-apps/meter/config.js';
import { relayConfig } from '../../client-apps/relay/config.js';
import { bulletinServerConfig } from '../../client-apps/bulletin/serve/config.js';
import { serviceProviderConfig } from '../../client-apps/service-provider/config.js';
import { quoted, tableRows } from '../support/markdown.js';

/** A field of a configuration: `required`, `none` for one that may be absent, or its default as JSON. */
type Fields = ReadonlyMap<string, string>;

/**
 * Every field of a schema by its dotted path; an array's elements have the path of the array. All fields of an object
 * that may be absent may be absent.
 */
function fieldsOf(schema: z.ZodType, path: string, necessity: string, found: Map<string, string>): void {
  const element: unknown = schema instanceof z.ZodArray ? schema.element : undefined;
  if (schema instanceof z.ZodDefault) {
    const value: unknown = schema.def.defaultValue;
    const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
    fieldsOf(schema.def.innerType as z.ZodType, path, isEmpty ? 'none' : JSON.stringify(value), found);
  } else if (schema instanceof z.ZodOptional) {
    fieldsOf(schema.def.innerType as z.ZodType, path, 'none', found);
  } else if (element instanceof z.ZodObject) {
    fieldsOf(element, path, necessity, found);
  } else if (schema instanceof z.ZodObject) {
    for (const [name, field] of Object.entries<z.ZodType>(schema.shape)) {
      fieldsOf(field, path === '' ? name : `${path}.${name}`, necessity, found);
    }
  } else {
    found.set(path, necessity);
  }
}

function fields(schema: z.ZodType): Fields {
  const found = new Map<string, string>();
  fieldsOf(schema, '', 'required', found);
  return found;
}

/** Rows `field | default | meaning` of the table whose first heading is this. */
function documented(file: string, heading: string): Fields {
  const page = readFileSync(new URL(`../../../docs/${file}`, import.meta.url), 'utf8');
  const defaultOf = (cell: string): string => {
    const [code] = quoted(cell);
    return code === undefined ? cell.replaceAll(/(?<=\d),(?=\d)/g, '') : JSON.stringify(code);
  };
  const rows = tableRows(page, heading).flatMap(([names, value]) =>
    quoted(names!).map((name) => [name, defaultOf(value!)] as const),
  );
  const repeated = rows.filter(([name], i) => rows.findIndex(([other]) => other === name) !== i);
  assert.deepEqual(repeated, [], 'fields that the table has twice');
  return new Map(rows);
}

const PARTIES = [
  { party: 'control center', file: 'REGION.md', schema: controlCenterConfig },
  { party: 'bulletin server', file: 'REGION.md', schema: bulletinServerConfig },
  { party: 'service provider', file: 'REGION.md', schema: serviceProviderConfig },
  { party: 'relay', file: 'RELAY.md', schema: relayConfig },
  { party: 'meter', file: 'HOUSEHOLD.md', schema: meterConfig },
  { party: 'hub', file: 'HOUSEHOLD.md', schema: consumerConfig },
] as const;

describe('configuration fields in documents', () => {
  for (const { party, file, schema } of PARTIES) {
    it(`${file} has every field of the ${party}'s configuration with its default, and no other`, () => {
      const expected = fields(schema);
      const found = documented(file, `${party}’s field`);
      assert.deepEqual(
        [...expected.keys()].filter((name) => !found.has(name)),
        [],
        `fields that ${file} lacks`,
      );
      assert.deepEqual(
        [...found.keys()].filter((name) => !expected.has(name)),
        [],
        `fields of ${file} that do not exist`,
      );
      for (const [name, necessity] of expected) {
        assert.equal(found.get(name), necessity, `default of ${name}`);
      }
    });
  }

  for (const [name, host, list, one] of [
    ['meter', meterHostConfig, 'meters', meterConfig],
    ['hub', consumerHostConfig, 'hubs', consumerConfig],
  ] as const) {
    it(`a ${name} host's configuration has a ${name}'s fields, its own ones in a list`, () => {
      const flat = [...fields(host).keys()].map((path) => path.replace(`${list}.`, ''));
      assert.deepEqual(flat.sort(), [...fields(one).keys()].sort());
    });
  }
});
