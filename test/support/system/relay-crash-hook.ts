// SPDX-License-Identifier: Apache-2.0
/**
 * Loaded by `node --import` into a relay's process, unchanged otherwise: kills it when replay tags have just reached the
 * disk. Nothing could be lost at a worse moment: packets are remembered, so that they cannot come again, and were not
 * passed on; all that the relay holds in memory goes with them.
 */
import { appendFileSync } from 'node:fs';
import { open, readFile, type FileHandle } from 'node:fs/promises';

/** One line for every life that has ended; survives the process. */
const seenFile = process.env['GRIDVEIL_TEST_CRASH_SEEN']!;
/** At which write of tags each life ends; later lives go on. */
const writesOfLives = process.env['GRIDVEIL_TEST_CRASH_WRITES']!.split(',').map(Number);

const handle = await open(seenFile, 'a');
const prototype = Object.getPrototypeOf(handle) as FileHandle;
await handle.close();
const lives = (await readFile(seenFile, 'utf8')).split('\n').length - 1;
let writesLeft = writesOfLives[lives] ?? Number.POSITIVE_INFINITY;

const { datasync } = prototype;
prototype.datasync = async function (this: FileHandle) {
  await datasync.call(this);
  if (--writesLeft > 0) {
    return;
  }
  appendFileSync(seenFile, 'killed\n');
  process.kill(process.pid, 'SIGKILL');
};
