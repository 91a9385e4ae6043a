// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { ClientError } from './errors.js';

/** Open files of a process besides those that its work takes: libraries, logs, pipes, sealed files, the thread pool. */
export const BASE_OPEN_FILES = 64;

/**
 * Number of files, connections included, that this process may have open. Node raises the soft limit to the hard one
 * when it starts. Infinity where the system does not tell.
 */
export function openFileLimit(): number {
  try {
    const [, limit] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
  } catch {
    const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
    const soft = userLimits?.open_files?.soft;
    return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY;
  }
}

/**
 * Refuses work that this process could not end for lack of open files, before it begins.
 *
 * @param needed number of open files that the work takes
 * @param what names the work
 * @throws ClientError LIMIT_EXCEEDED
 */
export function requireOpenFiles(needed: number, what: string, limit = openFileLimit()): void {
  if (limit < needed) {
    throw new ClientError(
      'LIMIT_EXCEEDED',
      `${what} needs ${needed} open files, and this process may have ${limit}: raise the limit with ulimit -n ${needed}`,
    );
  }
}
