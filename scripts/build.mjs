#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
/**
 * Builds everything: `dist/` by tsc, then one bundle per contract in `chaincode/build/<name>/`.
 *
 * The bundles are made from tsc's output and not from the sources, because the contract API reads parameter types
 * from decorator metadata, which only tsc emits. tsc compiles incrementally. `npm run build` installs what is missing
 * before this; `scripts/prepare.mjs` decides whether a build is needed at all.
 */
import { spawn } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const DIST = join(ROOT, 'dist');
const COMPILER = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');

const SOURCE_FOLDERS = ['protocol', 'network', 'client-apps', 'research', 'bench', 'test', 'chaincode'];
const CONTRACTS = ['consumption', 'pricing', 'billing'];

/** Every compiled file under a folder; the link to installed packages is not a directory here. */
function compiledFiles(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return compiledFiles(path);
    return entry.isFile() && entry.name.endsWith('.js') ? [path] : [];
  });
}

/** Output whose source was renamed or deleted would still be found by the tests' globs. */
function removeStaleOutput() {
  for (const path of SOURCE_FOLDERS.flatMap((folder) => compiledFiles(join(DIST, folder)))) {
    const source = join(ROOT, relative(DIST, path)).replace(/\.js$/, '.ts');
    if (existsSync(source)) continue;
    for (const output of [path, `${path}.map`, path.replace(/\.js$/, '.d.ts')]) rmSync(output, { force: true });
  }
}

function tsc(project, name, ...more) {
  const options = [...more, '-p', project, '--incremental', '--tsBuildInfoFile', join(DIST, `.${name}.tsbuildinfo`)];
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [COMPILER, ...options], { cwd: ROOT, stdio: ['ignore', 2, 2] });
    child.on('error', fail);
    child.on('exit', (code) => {
      if (code === 0) done();
      else fail(new Error(`tsc found errors in ${project} (exit code ${code})`));
    });
  });
}

/** Lets Node load `dist/chaincode` as what it is, CommonJS with the chaincode's own packages. */
function prepareChaincodeOutput() {
  const folder = join(DIST, 'chaincode');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"commonjs"}\n');
  const link = join(folder, 'node_modules');
  const target = join(ROOT, 'chaincode', 'node_modules');
  if (lstatSync(link, { throwIfNoEntry: false }) === undefined) symlinkSync(relative(folder, target), link, 'dir');
}

function bundleOptions(name) {
  return {
    absWorkingDir: ROOT,
    entryPoints: [`dist/chaincode/${name}/index.js`],
    outfile: join(ROOT, 'chaincode', 'build', name, 'index.js'),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    keepNames: true, // contract and transaction names are read from the classes
    external: ['fabric-*', 'sodium-native', 'node:*'],
    legalComments: 'none',
    logLevel: 'warning',
    logOverride: { 'import-is-undefined': 'error' },
  };
}

async function bundle(esbuild, name) {
  await esbuild.build(bundleOptions(name));
  const chaincode = JSON.parse(readFileSync(join(ROOT, 'chaincode', 'package.json'), 'utf8'));
  const { version, license, engines, dependencies, overrides } = chaincode;
  const base = { name, version, license, private: true, type: 'commonjs', main: 'index.js' };
  const manifest = { ...base, engines, dependencies, overrides };
  const folder = join(ROOT, 'chaincode', 'build', name);
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/**
 * Both projects compile protocol/, to the same bytes, so bundling waits until no compiler writes there. It does not wait for
 * the root project to be free of errors, which the contracts do not import.
 */
async function build() {
  for (const needed of [COMPILER, join(ROOT, 'chaincode', 'node_modules')]) {
    if (!existsSync(needed)) throw new Error(`${relative(ROOT, needed)} is missing; npm run build installs it`);
  }
  prepareChaincodeOutput();
  removeStaleOutput();
  const [root, chaincode] = await Promise.allSettled([
    tsc('tsconfig.json', 'root'),
    tsc('chaincode/tsconfig.json', 'chaincode'),
  ]);
  if (chaincode.status === 'rejected') throw chaincode.reason;
  const esbuild = await import('esbuild');
  await Promise.all(CONTRACTS.map((name) => bundle(esbuild, name)));
  if (root.status === 'rejected') throw root.reason;
}

/** Compiles and bundles again whenever a source changes, until it is interrupted. */
async function watch() {
  const esbuild = await import('esbuild');
  for (const name of CONTRACTS) await (await esbuild.context(bundleOptions(name))).watch();
  const more = ['--watch', '--preserveWatchOutput'];
  await Promise.all([tsc('tsconfig.json', 'root', ...more), tsc('chaincode/tsconfig.json', 'chaincode', ...more)]);
}

try {
  await build();
  if (process.argv.includes('--watch')) await watch();
} catch (error) {
  console.error(`build failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
