// SPDX-License-Identifier: Apache-2.0

/** The part of the package that is used; it comes without types. */
declare module 'fs-native-extensions' {
  /**
   * Takes an exclusive lock on an open file (an open-file-description lock on Linux), without waiting. The operating
   * system releases it with the file's last descriptor, however the process ends.
   *
   * @returns false when another process holds it
   */
  export function tryLock(fileDescriptor: number): boolean;
}
