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

/** Every compiled file under a folder; the link to installed packages is no directory here. */
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
    if (!existsSync(source)) rmSync(path);
  }
}

function tsc(project, name) {
  const options = ['-p', project, '--incremental', '--tsBuildInfoFile', join(DIST, `.${name}.tsbuildinfo`)];
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

async function bundle(esbuild, name) {
  const folder = join(ROOT, 'chaincode', 'build', name);
  await esbuild.build({
    absWorkingDir: ROOT,
    entryPoints: [`dist/chaincode/${name}/index.js`],
    outfile: join(folder, 'index.js'),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    keepNames: true, // contract and transaction names are read from the classes
    external: ['fabric-*', 'sodium-native', 'node:*'],
    legalComments: 'none',
    logLevel: 'warning',
    logOverride: { 'import-is-undefined': 'error' },
  });
  const chaincode = JSON.parse(readFileSync(join(ROOT, 'chaincode', 'package.json'), 'utf8'));
  const { version, license, engines, dependencies, overrides } = chaincode;
  const base = { name, version, license, private: true, type: 'commonjs', main: 'index.js' };
  const manifest = { ...base, engines, dependencies, overrides };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/**
 * Both projects compile protocol/, to the same bytes, so bundling waits until nobody writes there. It does not wait for
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

try {
  await build();
} catch (error) {
  console.error(`build failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
