import type { TimerHandle, Timers } from '@flotilla/runtime';
import { type RaftStoreConfig, ticksOf } from './config.ts';
import type { StoreTick } from './store-worker/message.ts';

/** What the tick driver needs. */
export interface TickDriverOptions {
  readonly config: RaftStoreConfig;
  readonly timers: Timers;
  /** A base tick for every peer: one call, however many there are. */
  readonly onTick: () => void;
  readonly onStoreTick: (tick: StoreTick) => void;
}

/** The one timer of a store. Everything periodic is a multiple of its period. */
export class TickDriver {
  readonly #options: TickDriverOptions;
  readonly #periods: readonly (readonly [StoreTick, number])[];
  #timer: TimerHandle | undefined;
  #ticks = 0;

  constructor(options: TickDriverOptions) {
    const { config } = options;
    this.#options = options;
    this.#periods = [
      ['diskCheck', ticksOf(config, config.diskCheckIntervalMs)],
      ['storeHeartbeat', ticksOf(config, config.storeHeartbeatIntervalMs)],
      ['snapshotGc', ticksOf(config, config.snapshotGcIntervalMs)],
    ];
  }

  start(): void {
    const { config, timers } = this.#options;
    this.#timer = timers.every(config.tickIntervalMs, () => this.#tick());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #tick(): void {
    this.#options.onTick();
    this.#ticks += 1;
    for (const [tick, period] of this.#periods) {
      if (this.#ticks % period === 0) this.#options.onStoreTick(tick);
    }
  }
}
