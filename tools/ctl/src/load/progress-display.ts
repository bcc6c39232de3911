import type { TimerHandle, Timers } from '@flotilla/runtime';
import type { Terminal } from '../terminal.ts';
import { ProgressRate, type ProgressSample, progressLine } from './progress.ts';

const redrawMs = 200;
const plainMs = 5_000;
const eraseLine = '\r\x1b[2K';

/** Shows a load's progress on standard error: a bar that redraws itself on a terminal, now and then a line elsewhere. */
export class ProgressDisplay {
  readonly #terminal: Terminal;
  readonly #sample: () => ProgressSample;
  readonly #rate = new ProgressRate();
  readonly #timer: TimerHandle;
  #drawn = false;

  constructor(terminal: Terminal, timers: Timers, sample: () => ProgressSample) {
    this.#terminal = terminal;
    this.#sample = sample;
    this.#rate.add(sample());
    this.#timer = timers.every(terminal.isErrorTty ? redrawMs : plainMs, () => this.#draw());
  }

  /** Writes a message above the bar. */
  note(text: string): void {
    this.#erase();
    this.#terminal.writeError(`${text}\n`);
  }

  /** Ends the display and leaves no bar behind. */
  close(): void {
    this.#timer.cancel();
    this.#erase();
  }

  #draw(): void {
    const sample = this.#sample();
    this.#rate.add(sample);
    const line = progressLine(sample, this.#rate, this.#terminal.columns - 1);
    if (!this.#terminal.isErrorTty) {
      this.#terminal.writeError(`${line}\n`);
      return;
    }
    this.#terminal.writeError(`${eraseLine}${this.#terminal.style('error', 'cyan', line)}`);
    this.#drawn = true;
  }

  #erase(): void {
    if (this.#drawn) this.#terminal.writeError(eraseLine);
    this.#drawn = false;
  }
}
