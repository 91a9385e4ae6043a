// SPDX-License-Identifier: Apache-2.0
import { Argument, type Command } from 'commander';
import { BENCHMARK_NAMES, BENCHMARKS, type BenchmarkName } from '../../../bench/index.js';
import type { Figures } from '../../../bench/figures.js';
import { onRun, progress, table } from '../output.js';

/** Adds `gridveil bench`. */
export function addBench(program: Command): void {
  const command = program
    .command('bench')
    .description('run the benchmarks, about four minutes on an otherwise idle machine')
    .addArgument(new Argument('[benchmark]', 'run only this benchmark').choices(BENCHMARK_NAMES));
  onRun(command, async (_, only?: string) => {
    const results: Partial<Record<BenchmarkName, Figures>> = {};
    const text: string[] = [];
    for (const name of BENCHMARK_NAMES.filter((candidate) => only === undefined || candidate === only)) {
      const { title, run } = BENCHMARKS[name];
      progress(`${title} …`);
      const figures: Figures = await run();
      results[name] = figures;
      const rows = Object.entries(figures).map(([figure, value]) => [`  ${figure}`, String(value)]);
      text.push('', title, ...table(rows));
    }
    return { data: results, text };
  });
}
