// SPDX-License-Identifier: Apache-2.0
import { intervalStartAt, nextStart, previousStart, type IntervalGrid, type IntervalLength } from './intervals.js';

/** Start of the reporting window [s + L, s + 2L) of interval s. */
export function windowStartSeconds(length: IntervalLength, startSeconds: number): number {
  return nextStart(length, startSeconds);
}

/** s of the interval whose reporting window contains a time. */
export function reportedStart(grid: IntervalGrid, seconds: number): number {
  return previousStart(grid, intervalStartAt(grid, seconds));
}

/** T of every row: s + L, for a finer time tells which rows cannot be one meter's. */
export function rowTimeSeconds(length: IntervalLength, startSeconds: number): number {
  return windowStartSeconds(length, startSeconds);
}
