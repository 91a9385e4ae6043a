// SPDX-License-Identifier: Apache-2.0
import { KINDS, targetsOf, type Kind } from './targets.js';

const { GRIDVEIL_FUZZ_KIND: kind = '', GRIDVEIL_FUZZ_TARGET: name } = process.env;
if (!Object.hasOwn(KINDS, kind)) {
  throw new Error(`GRIDVEIL_FUZZ_KIND: expected one of ${Object.keys(KINDS).join(', ')}, got ${kind}`);
}
const target = (await targetsOf(kind as Kind)).find((candidate) => candidate.name === name);
if (target === undefined) {
  throw new Error(`GRIDVEIL_FUZZ_TARGET: ${kind} has no target ${name}`);
}

/** What the coverage-guided fuzzer calls with every input, in a process of its own; see `guided.test.ts`. */
export function fuzz(data: Uint8Array): unknown {
  return target!.run(new Uint8Array(data));
}
