/** What a load has done so far, as shown to people. */
export interface ProgressSample {
  readonly records: number;
  readonly skipped: number;
  /** Records waiting for another attempt. */
  readonly waiting: number;
  /** Bytes of the input dealt with, from its start. */
  readonly bytes: number;
  /** `undefined` for an input whose size is not known. */
  readonly totalBytes: number | undefined;
  readonly atMs: number;
}

const rateWindowMs = 5_000;

/** The rate over the last seconds: quick to show a stall, slow enough to be read. */
export class ProgressRate {
  #samples: ProgressSample[] = [];

  add(sample: ProgressSample): void {
    this.#samples.push(sample);
    while (this.#samples.length > 2 && sample.atMs - this.#samples[1]!.atMs >= rateWindowMs) this.#samples.shift();
  }

  get recordsPerSecond(): number {
    return this.#perSecond((sample) => sample.records);
  }

  get bytesPerSecond(): number {
    return this.#perSecond((sample) => sample.bytes);
  }

  #perSecond(figure: (sample: ProgressSample) => number): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0;
    return ((figure(last) - figure(first)) * 1_000) / (last.atMs - first.atMs);
  }
}

/** One line, without line end, of at most `columns` characters. */
export function progressLine(sample: ProgressSample, rate: ProgressRate, columns: number): string {
  const parts = [`${grouped(sample.records)} records`, `${grouped(Math.round(rate.recordsPerSecond))}/s`];
  if (sample.skipped > 0) parts.push(`${grouped(sample.skipped)} skipped`);
  if (sample.waiting > 0) parts.push(`waiting for the cluster (${sample.waiting} to retry)`);
  if (sample.totalBytes === undefined) return parts.join('  ').slice(0, columns);
  const fraction = sample.totalBytes === 0 ? 1 : sample.bytes / sample.totalBytes;
  if (sample.waiting === 0 && rate.bytesPerSecond > 0) {
    parts.push(`${shortDuration((sample.totalBytes - sample.bytes) / rate.bytesPerSecond)} left`);
  }
  const text = `${String(Math.floor(fraction * 100)).padStart(3)} %  ${parts.join('  ')}`;
  const room = Math.min(30, columns - text.length - 3);
  return room < 8 ? text.slice(0, columns) : `${bar(fraction, room)} ${text}`;
}

/** A whole number with its thousands grouped: 12,345. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Seconds as `42 s`, `3 min 05 s` or `2 h 07 min`. */
export function shortDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(whole / 3_600)} h ${String(Math.floor((whole % 3_600) / 60)).padStart(2, '0')} min`;
}

function bar(fraction: number, width: number): string {
  const filled = Math.round(Math.min(1, fraction) * width);
  return `${'━'.repeat(filled)}${'─'.repeat(width - filled)}`;
}
