// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import type { Server } from 'node:net';
import { relative } from 'node:path';

/** Mode bits that the socket is not to have: only the user that runs the server may connect. */
const OTHERS = 0o177;

/** A socket's path unchanged, or relative to the working directory: the system takes about 100 bytes only. */
export function shortestPath(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.length < path.length ? fromHere : path;
}

/**
 * Listens on a Unix socket of mode 0600. A socket that a process left behind when it ended is replaced; the caller
 * holds the lock of the directory.
 */
export async function listenLocally(server: Server, path: string): Promise<void> {
  await rm(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    const mask = process.umask(OTHERS);
    server.listen(shortestPath(path), resolve);
    process.umask(mask);
  });
}
