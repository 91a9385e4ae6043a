// SPDX-License-Identifier: Apache-2.0

/** Figures of one benchmark; each name includes its unit. */
export type Figures = Readonly<Record<string, number>>;
