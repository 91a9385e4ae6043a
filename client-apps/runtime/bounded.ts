// SPDX-License-Identifier: Apache-2.0

/**
 * Runs a task for each item, at most `limit` at a time, and returns the results in the order of the items. The first
 * failure ends it; tasks that have begun then continue unobserved.
 */
export async function mapBounded<T, R>(
  limit: number,
  items: readonly T[],
  task: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await task(items[index]!, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work));
  return results;
}
