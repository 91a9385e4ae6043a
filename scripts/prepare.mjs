// SPDX-License-Identifier: Apache-2.0
// Brings a fresh clone to a state that runs. Built-ins only: it works before anything is installed.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** Two packages with their own lock files: the chaincode is packaged and installed apart from everything else. */
const PACKAGES = [
  { name: 'the dependencies', directory: ROOT },
  { name: "the chaincode's dependencies", directory: join(ROOT, 'chaincode') },
];

const SOURCES = ['protocol', 'chaincode', 'network', 'client-apps', 'research', 'bench', 'test', 'scripts'];
const SOURCE_FILES = ['package-lock.json', 'tsconfig.json', 'tsconfig.base.json'];
/** Folders among the sources that hold what was made from them, or by a running network. */
const OUTPUT = new Set(['node_modules', 'build', 'state', 'organizations']);
const STAMP = join(ROOT, 'dist', '.built');
const OLDEST_NODE = [20, 19];
/** Here everything starts from sources, so the compiler is needed also where NODE_ENV or npm's `omit` leave it out. */
const WHOLE = ['--include=dev', '--include=optional'];

/** Installs and builds what is missing or older than its sources; throws an Error with the output of the step that failed. */
export async function prepare() {
  await install();
  if (!built()) await build();
}

/** Installs the packages that are missing or not at their locked version. */
export async function install() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    throw new Error(`Node ${OLDEST_NODE.join('.')} or newer is needed; this is ${process.versions.node}`);
  }
  for (const { name, directory } of PACKAGES) {
    if (installed(directory)) continue;
    await step(`installing ${name}`, ...npm('ci', ...WHOLE, '--no-audit', '--no-fund', '--loglevel=error'), directory);
  }
}

/** Type check, compile and bundle everything, whatever is in `dist/`. */
export async function build() {
  const started = new Date();
  await step('building', process.execPath, [join(ROOT, 'scripts', 'build.mjs')], ROOT);
  // A source saved while the build ran is newer than the stamp, so the next run builds again.
  writeFileSync(STAMP, `${started.toISOString()}\n`);
}

/** Runs a command with this terminal and resolves to its exit code. */
export function run(command, args, options = {}) {
  return new Promise((done, failed) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit', ...options });
    child.on('error', failed);
    child.on('exit', (code, signal) => done(signal === null ? code : 1));
  });
}

/** How to start npm: the one that started us, or the one in PATH. */
export function npm(...args) {
  const own = process.env.npm_execpath;
  if (own !== undefined && /npm-cli\.c?js$/.test(own)) return [process.execPath, [own, ...args]];
  return [process.platform === 'win32' ? 'npm.cmd' : 'npm', args];
}

/**
 * True when every package of the lock file is in node_modules at its locked version. npm writes the list it
 * compares with as its last act, so an installation that was cut short is not taken for a whole one.
 */
function installed(directory) {
  const lockFile = ['npm-shrinkwrap.json', 'package-lock.json'].map((name) => join(directory, name)).find(existsSync);
  const listFile = join(directory, 'node_modules', '.package-lock.json');
  if (lockFile === undefined || !existsSync(listFile)) return false;
  const present = JSON.parse(readFileSync(listFile, 'utf8')).packages;
  return Object.entries(JSON.parse(readFileSync(lockFile, 'utf8')).packages).every(
    ([path, entry]) => path === '' || entry.optional || entry.devOptional || present[path]?.version === entry.version,
  );
}

function built() {
  if (!existsSync(STAMP)) return false;
  const stamp = Date.parse(readFileSync(STAMP, 'utf8').trim());
  return (
    SOURCES.every((folder) => newest(join(ROOT, folder)) < stamp) &&
    SOURCE_FILES.every((file) => statSync(join(ROOT, file)).mtimeMs < stamp)
  );
}

/**
 * Time of the newest change under a folder, in milliseconds. Folders count, so that a deleted source is seen, except one
 * into which output goes: the build itself changes that.
 */
function newest(folder) {
  if (!existsSync(folder)) return 0;
  const entries = readdirSync(folder, { withFileTypes: true });
  let time = entries.some(({ name }) => OUTPUT.has(name)) ? 0 : statSync(folder).mtimeMs;
  for (const entry of entries) {
    if (OUTPUT.has(entry.name) || entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    time = Math.max(time, entry.isDirectory() ? newest(path) : statSync(path).mtimeMs);
  }
  return time;
}

/** One quiet step: a line that counts seconds on a terminal, and the whole output if it fails. */
function step(label, command, args, cwd) {
  const started = performance.now();
  const seconds = () => `${Math.round((performance.now() - started) / 1000)} s`;
  const terminal = process.stderr.isTTY;
  if (!terminal) process.stderr.write(`gridveil: ${label} …\n`);
  const ticker = terminal
    ? setInterval(() => process.stderr.write(`\rgridveil: ${label} … ${seconds()} `), 1000)
    : undefined;
  return new Promise((done, failed) => {
    let output = '';
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => failed(new Error(`${label}: ${error.message}`)));
    child.on('close', (code) => {
      clearInterval(ticker);
      if (code !== 0) {
        failed(new Error(`${label} failed (${command} ${args.join(' ')}):\n${output}`));
        return;
      }
      process.stderr.write(`${terminal ? '\r' : ''}gridveil: ${label}: done in ${seconds()}\n`);
      done();
    });
  });
}
