// SPDX-License-Identifier: Apache-2.0
import { DAY_SECONDS } from '../../protocol/schedule/intervals.js';
import { HashStream } from './hash-stream.js';

/** Energy is generated in cells of five minutes, so that all steps add up to the same day. */
export const CELL_SECONDS = 300;
export const CELLS_PER_DAY = DAY_SECONDS / CELL_SECONDS;
const CELLS_PER_HOUR = 12;

/** 1970-01-01 was a Thursday. */
const EPOCH_WEEKDAY = 4;

/** Energy of a power over one cell, whole milliwatt hours. */
const cellEnergy = (watts: number): number => Math.floor((watts * 1_000) / CELLS_PER_HOUR);

const atHour = (hour: number): number => hour * CELLS_PER_HOUR;

/** An appliance: its power, and the range of its running time. */
interface Appliance {
  readonly watts: number;
  readonly cells: readonly [number, number];
}

const KETTLE: Appliance = { watts: 1_500, cells: [1, 1] };
const SHOWER: Appliance = { watts: 7_200, cells: [1, 2] };
const BREAKFAST: Appliance = { watts: 900, cells: [1, 3] };
const DINNER: Appliance = { watts: 1_500, cells: [6, 12] };
const WASHING_MACHINE: Appliance = { watts: 600, cells: [12, 18] };
const DISHWASHER: Appliance = { watts: 720, cells: [14, 20] };

/** Properties of a household that do not change from day to day. */
interface Habits {
  readonly people: number;
  readonly baseWatts: number;
  readonly fridgePhase: number;
  readonly atHomeByDay: boolean;
  readonly electricShower: boolean;
  readonly wakes: number;
  readonly sleeps: number;
}

/** A synthetic household: standby and fridge all day, light and screens while people are awake, and appliances. */
export class SyntheticHousehold {
  readonly #habits: Habits;

  readonly #label: string;

  /** @param label names the household; equal labels give equal days */
  constructor(label: string) {
    this.#label = label;

    const draw = new HashStream(`${label} habits`);
    this.#habits = {
      people: 1 + [0, 0, 0, 1, 1, 1, 2, 2, 3, 4][draw.below(10)]!,
      baseWatts: draw.between(40, 180),
      fridgePhase: draw.below(10),
      atHomeByDay: draw.chance(35),
      electricShower: draw.chance(30),
      wakes: draw.between(atHour(6), atHour(8)),
      sleeps: draw.between(atHour(22), CELLS_PER_DAY - 1),
    };
  }

  /**
   * Energy of each cell of a day in milliwatt hours.
   *
   * @param day days since 1970-01-01 UTC
   */
  day(day: number): Float64Array {
    const habits = this.#habits;
    const draw = new HashStream(`${this.#label} day ${day}`);
    const cells = new Float64Array(CELLS_PER_DAY).map((_, cell) => {
      const fridge = (cell + habits.fridgePhase) % 10 < 4 ? 100 : 0;
      return cellEnergy(habits.baseWatts + fridge);
    });
    // Some days the household is away.
    if (draw.chance(3)) {
      return cells;
    }

    const weekday = (day + EPOCH_WEEKDAY) % 7;
    const weekend = weekday === 0 || weekday === 6;
    const wakes = habits.wakes + draw.between(-2, 3) + (weekend ? atHour(1) : 0);
    const sleeps = Math.min(CELLS_PER_DAY, habits.sleeps + draw.between(-6, 6));
    const atHome = weekend ? draw.chance(70) : habits.atHomeByDay;
    const leaves = wakes + draw.between(9, 18);
    const returns = atHour(16) + draw.between(0, atHour(3));

    const run = ({ watts, cells: [shortest, longest] }: Appliance, earliest: number, latest: number): void => {
      const start = draw.between(earliest, Math.max(earliest, latest));
      const end = Math.min(CELLS_PER_DAY, start + draw.between(shortest, longest));
      for (let cell = start; cell < end; cell++) {
        cells[cell]! += cellEnergy(watts);
      }
    };

    const screens = 40 + 30 * habits.people + draw.below(120);
    for (let cell = wakes; cell < sleeps; cell++) {
      const out = !atHome && cell >= leaves && cell < returns;
      if (!out) {
        cells[cell]! += cellEnergy(cell >= atHour(16) ? 2 * screens : screens);
      }
    }
    for (let person = 0; person < habits.people; person++) {
      run(KETTLE, wakes, leaves);
      run(KETTLE, returns, sleeps - 6);
      if (atHome) {
        run(KETTLE, leaves, returns);
      }
      if (habits.electricShower && draw.chance(80)) {
        run(SHOWER, wakes, leaves);
      }
    }
    if (draw.chance(55)) {
      run(BREAKFAST, wakes + 2, leaves - 2);
    }
    if (atHome && draw.chance(40)) {
      run(BREAKFAST, atHour(12), atHour(14));
    }
    if (draw.chance(85)) {
      run(DINNER, returns + 3, atHour(20));
    }
    if (draw.chance(weekend ? 60 : 30)) {
      run(WASHING_MACHINE, atHome ? atHour(9) : returns, atHour(20));
    }
    if (habits.people > 1 && draw.chance(50)) {
      run(DISHWASHER, atHour(20), atHour(22));
    }
    return cells;
  }
}
