// SPDX-License-Identifier: Apache-2.0

/**
 * Waits for a promise, and calls `late` once when it takes longer than so many real milliseconds. What `late` throws
 * ends the wait; otherwise it continues.
 */
export async function withDeadline<T>(promise: Promise<T>, milliseconds: number, late: () => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  const goOn = (): Promise<T> => {
    late();
    return promise;
  };
  try {
    return await Promise.race([promise, expired.then(goOn)]);
  } finally {
    clearTimeout(timer);
  }
}
