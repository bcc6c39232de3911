import type { EngineReader } from '@flotilla/engine';
import type { schedulerpb } from '@flotilla/protocol';
import type { Clock, Logger } from '@flotilla/runtime';
import { SchedulerError } from '@flotilla/scheduler-client';
import { decodeNumber, encodeNumber, layoutKeys } from './data-layout.ts';
import type { DurableWriter } from './durable-writer.ts';

/** Timestamps within one millisecond: the logical part has 18 bits. */
export const timestampsPerMs = 2 ** 18;

/** A wall clock this far behind the last timestamp is worth a line in the log. */
const worthTellingMs = 1000;

/**
 * Gives out timestamps that only rise, also across restarts and whatever the wall clock does. The physical part follows
 * the wall clock while that runs forward, and otherwise stays, the logical part counting on.
 *
 * Invariant: the physical part of every timestamp given out is below the durable mark, from which the next start goes on.
 */
export class TimestampOracle {
  readonly #writer: DurableWriter;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #windowMs: number;
  #physical: number;
  #logical = 0;
  #mark: number;
  #advance: Promise<void> | undefined;
  #isBehind = false;

  private constructor(writer: DurableWriter, clock: Clock, logger: Logger, windowMs: number, mark: number) {
    this.#writer = writer;
    this.#clock = clock;
    this.#logger = logger;
    this.#windowMs = windowMs;
    this.#physical = mark;
    this.#mark = mark;
  }

  /** @throws {SchedulerDataError} with code `schedulerDataCorrupted`. */
  static async open(
    reader: EngineReader,
    writer: DurableWriter,
    world: { readonly clock: Clock; readonly logger: Logger },
    windowMs: number,
  ): Promise<TimestampOracle> {
    const stored = await reader.get(layoutKeys.timestampMark);
    const mark = stored === undefined ? 0 : decodeNumber(stored, 'the timestamp mark');
    return new TimestampOracle(writer, world.clock, world.logger, windowMs, mark);
  }

  /**
   * The last of `count` timestamps with one physical part and consecutive logical parts; all of them are the caller's.
   *
   * @throws {SchedulerError} with code `invalidArgument` for a count outside 1 to 2^18, `unknown` when the mark could not
   * be made durable.
   */
  async allocate(count = 1): Promise<schedulerpb.Timestamp> {
    if (!Number.isSafeInteger(count) || count < 1 || count > timestampsPerMs) {
      throw new SchedulerError('invalidArgument', `count is ${count}; it must be from 1 to ${timestampsPerMs}`);
    }
    for (;;) {
      this.#followClock(count);
      if (this.#physical < this.#mark) {
        this.#logical += count;
        return { physical: this.#physical, logical: this.#logical - 1 };
      }
      this.#advance ??= this.#advanceMark().finally(() => {
        this.#advance = undefined;
      });
      await this.#advance;
    }
  }

  /** Moves on so that `count` timestamps fit into the physical part's millisecond. */
  #followClock(count: number): void {
    const now = this.#clock.wallMs();
    this.#tellOnceWhenBehind(now);
    if (now > this.#physical) {
      this.#physical = now;
      this.#logical = 0;
    } else if (this.#logical + count > timestampsPerMs) {
      this.#physical += 1;
      this.#logical = 0;
    }
  }

  async #advanceMark(): Promise<void> {
    const mark = this.#physical + this.#windowMs;
    await this.#writer.write((batch) => batch.put(layoutKeys.timestampMark, encodeNumber(mark)));
    this.#mark = mark;
  }

  #tellOnceWhenBehind(now: number): void {
    const behindMs = this.#physical - now;
    if (behindMs <= worthTellingMs) {
      this.#isBehind = false;
    } else if (!this.#isBehind) {
      this.#isBehind = true;
      this.#logger.warn('the wall clock is behind the last timestamp; timestamps run ahead of it', { behindMs });
    }
  }
}
