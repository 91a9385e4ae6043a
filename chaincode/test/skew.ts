// SPDX-License-Identifier: Apache-2.0

// Preloaded into one of two processes that must come to the same results: another clock, another `Math.random`.
// Time zone and locale come from the environment.
const SKEW_MILLISECONDS = 123_456_789_000;
const RealDate = Date;

class SkewedDate extends RealDate {
  constructor(...args: ConstructorParameters<typeof Date> | []) {
    if (args.length === 0) {
      super(RealDate.now() + SKEW_MILLISECONDS);
    } else {
      super(...args);
    }
  }

  static override now(): number {
    return RealDate.now() + SKEW_MILLISECONDS;
  }
}

globalThis.Date = SkewedDate as DateConstructor;
Object.assign(Math, { random: () => 0.42 });
