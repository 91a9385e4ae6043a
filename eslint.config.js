// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { isBuiltin } from 'node:module';
import { fileURLToPath } from 'node:url';
import js from '@eslint/js';
import ts from 'typescript';
import tseslint from 'typescript-eslint';

const ROOT = dirname(fileURLToPath(import.meta.url));

/** What the parties share. */
const SHARED = [
  'client-apps/runtime',
  'client-apps/links',
  'client-apps/ledger',
  'client-apps/bulletin',
  'client-apps/readings',
];
const PARTIES = [
  'client-apps/control-center',
  'client-apps/service-provider',
  'client-apps/meter',
  'client-apps/consumer',
  'client-apps/relay',
];

/**
 * Who may import whom: protocol ← {chaincode, network, client-apps/runtime} ← {links, ledger, bulletin, readings} ←
 * parties ← {demo, research} ← cli. Parties never import each other; a kind of network does not know the other.
 * `bench` and `test` stand outside and may read everything.
 * A file belongs to the longest prefix that matches; imports inside one layer are free.
 */
const LAYERS = {
  protocol: [],
  chaincode: ['protocol'],
  'network/topology': ['protocol'],
  'network/fabric': ['protocol', 'network/topology'],
  'network/embedded': ['protocol', 'network/topology'],
  'client-apps/runtime': ['protocol'],
  'client-apps/links': ['protocol', 'client-apps/runtime'],
  'client-apps/ledger': ['protocol', 'client-apps/runtime'],
  'client-apps/readings': ['protocol', 'client-apps/runtime'],
  'client-apps/bulletin': ['protocol', 'client-apps/runtime', 'client-apps/links', 'client-apps/ledger'],
  ...Object.fromEntries(PARTIES.map((party) => [party, ['protocol', ...SHARED]])),
  'client-apps/demo': ['protocol', 'network', ...SHARED, ...PARTIES],
  research: ['protocol', ...SHARED, ...PARTIES],
  'client-apps/cli': ['protocol', 'network', ...SHARED, ...PARTIES, 'client-apps/demo', 'research', 'bench'],
};

/** Packages that only some layers may load; a layer not named here may load every dependency. */
const PACKAGES = {
  // Pure functions: they also run in a browser, so nothing of Node's outside the native back end.
  protocol: (file, name) =>
    name.startsWith('@noble/') ||
    (file === 'protocol/crypto/sodium.ts' && (isBuiltin(name) || name === 'sodium-native')),
};

/** Where the Fabric client library may be loaded: one submit helper, used by all. */
const FABRIC_CLIENT = ['client-apps/ledger', 'network', 'test', 'bench'];

const within = (file, folder) => file === folder || file.startsWith(`${folder}/`);
const layerOf = (file) =>
  Object.keys(LAYERS)
    .filter((layer) => within(file, layer))
    .sort((a, b) => b.length - a.length)[0];

/** Refuses an import that goes against the layering of `LAYERS`, `PACKAGES` and `FABRIC_CLIENT`. */
const importDirection = {
  meta: { type: 'problem', schema: [], messages: { refused: '{{from}} must not import {{what}}' } },
  create(context) {
    const file = relative(ROOT, context.filename).replaceAll('\\', '/');
    const layer = layerOf(file);
    const check = (node) => {
      const source = node.source?.value ?? node.moduleReference?.expression?.value;
      if (layer === undefined || typeof source !== 'string') return;
      const refuse = (what) => context.report({ node, messageId: 'refused', data: { from: layer, what } });
      if (source.startsWith('.')) {
        const target = relative(ROOT, resolve(dirname(context.filename), source)).replaceAll('\\', '/');
        if (/\.test\.ts$/.test(file) && within(target, 'test')) return;
        if (within(target, layer) && layerOf(target) === layer) return;
        if (!LAYERS[layer].some((allowed) => within(target, allowed))) refuse(target);
        return;
      }
      if (/\.test\.ts$/.test(file)) return;
      if (PACKAGES[layer] !== undefined && !PACKAGES[layer](file, source)) refuse(source);
      if (source === '@hyperledger/fabric-gateway' && !FABRIC_CLIENT.some((folder) => within(file, folder)))
        refuse(source);
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      TSImportEqualsDeclaration: check,
    };
  },
};

/** What each source imports from other sources, types and dynamic imports included; read once a run. */
const importsOf = new Map();
const relativeImports = (file) => {
  if (!importsOf.has(file)) {
    const { importedFiles } = ts.preProcessFile(readFileSync(file, 'utf8'), true, true);
    const found = importedFiles.map(({ fileName }) => fileName).filter((name) => name.startsWith('.'));
    const sources = found.map((name) => resolve(dirname(file), name).replace(/\.js$/, '.ts')).filter(existsSync);
    importsOf.set(file, sources);
  }
  return importsOf.get(file);
};

/** The files from one to another along imports, the shortest way; undefined if there is none. */
function wayBetween(from, to) {
  const cameFrom = new Map([[from, undefined]]);
  for (const file of cameFrom.keys()) {
    if (file === to) {
      const way = [];
      for (let at = to; at !== undefined; at = cameFrom.get(at)) way.unshift(at);
      return way;
    }
    for (const next of relativeImports(file)) if (!cameFrom.has(next)) cameFrom.set(next, file);
  }
  return undefined;
}

/** Refuses an import that leads back to the file it is in. A circle of types couples files as one of values does. */
const noImportCircle = {
  meta: { type: 'problem', schema: [], messages: { circle: 'a circle of imports: {{way}}' } },
  create(context) {
    const check = (node) => {
      const source = node.source?.value;
      if (typeof source !== 'string' || !source.startsWith('.')) return;
      const target = resolve(dirname(context.filename), source).replace(/\.js$/, '.ts');
      const way = existsSync(target) ? wayBetween(target, context.filename) : undefined;
      if (way === undefined) return;
      const names = [context.filename, ...way].map((file) => relative(ROOT, file).replaceAll('\\', '/'));
      context.report({ node, messageId: 'circle', data: { way: names.join(' → ') } });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      TSImportType: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};

const CLOCK_MESSAGE = 'Take a Clock (or the time as an argument): simulated runs must not see the wall clock.';
const RANDOM_MESSAGE = 'Take a random source as an argument: Math.random is neither secret nor repeatable.';

const TIMER_MESSAGE =
  'Take the Timers of the party, a Backoff or withDeadline of runtime/: a raw timer that throws ends the process.';
const HANDLER_MESSAGE = 'Register it with the Timers of the party: a raw handler that throws ends the process.';
/** Folders whose files may set a timer or a handler by themselves: the mechanisms, and what no party runs. */
const UNSUPERVISED = ['client-apps/runtime/**', 'network/**', '**/*.test.ts', 'test/**', 'scripts/**', 'bench/**'];
/** May register handlers by themselves besides: sockets, and the demo, which ends with a fault of its own. */
const RAW_HANDLERS = [...UNSUPERVISED, 'client-apps/links/**', 'client-apps/demo/**'];
const TIMER_GLOBALS = ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'].map((name) => ({
  name,
  message: TIMER_MESSAGE,
}));
const TIMER_MODULES = ['timers', 'timers/promises'].flatMap((name) =>
  [name, `node:${name}`].map((module) => ({ name: module, message: TIMER_MESSAGE })),
);
const RAW_TIMER = { selector: 'CallExpression[callee.property.name="setTimer"]', message: TIMER_MESSAGE };
const RAW_HANDLER = [
  'CallExpression[callee.property.name=/^(on|once|addListener|prependListener|addEventListener|nextTick)$/]:not([callee.object.name="timers"]):not([callee.object.property.name="timers"])',
  'AssignmentExpression[left.property.name=/^on[a-z]+$/][right.type=/Function/]',
  'CallExpression[callee.name="createServer"] > :function',
].map((selector) => ({ selector, message: HANDLER_MESSAGE }));
const PLAIN_DATE = { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: CLOCK_MESSAGE };

export default tseslint.config(
  { ignores: ['**/node_modules/', '**/dist/', '**/build/', '**/coverage/', '**/organizations/'] },
  js.configs.recommended,
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
        require: 'readonly',
        module: 'readonly',
        fetch: 'readonly',
        performance: 'readonly',
        Buffer: 'readonly',
      },
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: ROOT } },
    plugins: { gridveil: { rules: { 'import-direction': importDirection, 'no-import-circle': noImportCircle } } },
    rules: {
      'gridveil/import-direction': 'error',
      'gridveil/no-import-circle': 'error',
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: CLOCK_MESSAGE },
        { object: 'Math', property: 'random', message: RANDOM_MESSAGE },
      ],
      'no-restricted-syntax': ['error', PLAIN_DATE],
      eqeqeq: 'error',
      // More become a Readonly options object.
      'max-params': ['error', 4],
      curly: ['error', 'all'],
      // noUncheckedIndexedAccess makes every index of a byte or list possibly undefined: `!` says that it is in range.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // `() => f()` is as clear as a body of three lines.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // Numbers and bigints have one spelling each in a text.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // The type argument names what a flag parser or a JSON file yields, so that the one cast is where it is read.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    files: ['**/*.test.ts', 'test/support/**/*.ts'],
    rules: {
      // Tests put another function in a method's place and then the method back, and look at functions without a `this`.
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    // The one place that reads the machine's clock for the parties.
    files: ['client-apps/runtime/clock.ts'],
    rules: { 'no-restricted-properties': 'off', 'no-restricted-syntax': 'off' },
  },
  {
    files: ['**/*.ts'],
    ignores: UNSUPERVISED,
    rules: {
      'no-restricted-globals': ['error', ...TIMER_GLOBALS],
      'no-restricted-imports': ['error', { paths: TIMER_MODULES }],
      'no-restricted-syntax': ['error', PLAIN_DATE, RAW_TIMER],
    },
  },
  {
    files: ['**/*.ts'],
    ignores: RAW_HANDLERS,
    rules: { 'no-restricted-syntax': ['error', PLAIN_DATE, RAW_TIMER, ...RAW_HANDLER] },
  },
  {
    files: ['protocol/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...TIMER_GLOBALS,
        { name: 'Buffer', message: 'protocol/ runs in browsers: use Uint8Array.' },
        { name: 'process', message: 'protocol/ is pure: no environment.' },
        { name: 'crypto', message: 'protocol/ takes its Crypto as the first argument.' },
      ],
    },
  },
);
