// SPDX-License-Identifier: Apache-2.0
import { Presets, SingleBar } from 'cli-progress';
import { progress } from '../output.js';
import type { RunListener } from '../../demo/run.js';

/** Shows the progress of a run on stderr: a line for each phase, and a bar while simulated time advances. */
export class ProgressDisplay implements RunListener {
  #bar: SingleBar | undefined;
  #tenth = 0;

  onPhase(name: string): void {
    this.end();
    progress(`${name} …`);
  }

  onProgress(share: number, nowSeconds: number): void {
    const time = new Date(nowSeconds * 1000).toISOString().slice(0, 16).replace('T', ' ');
    if (process.stderr.isTTY) {
      this.#bar ??= this.#newBar(time);
      this.#bar.update(Math.round(100 * share), { time });
    } else if (Math.floor(10 * share) > this.#tenth) {
      // Not a terminal: one line for each tenth.
      this.#tenth = Math.floor(10 * share);
      progress(`${10 * this.#tenth} %, simulated time ${time}`);
    }
  }

  onKept(directory: string): void {
    this.end();
    progress(`the parties' directories and logs are in ${directory}`);
  }

  end(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  #newBar(time: string): SingleBar {
    const format = 'gridveil: {bar} {percentage} %, simulated time {time}';
    const bar = new SingleBar({ format, stream: process.stderr, clearOnComplete: true }, Presets.shades_classic);
    bar.start(100, 0, { time });
    return bar;
  }
}
