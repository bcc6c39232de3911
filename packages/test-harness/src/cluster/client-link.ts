import type { Random, Timers } from '@flotilla/runtime';
import type { LinkFaults } from './in-process-network.ts';

/** What a link is made of. */
export interface ClientLinkOptions {
  /** The client's own. */
  readonly timers: Timers;
  /** Virtual time. */
  readonly nowMs: () => number;
  readonly random: Random;
  /** The faults of the links between clients and stores as they are now. */
  readonly faults: () => LinkFaults;
}

/** Carries messages between a client and stores in virtual time, late or not at all. */
export class ClientLink {
  readonly #options: ClientLinkOptions;

  constructor(options: ClientLinkOptions) {
    this.#options = options;
  }

  /** One way over the link, not to arrive before `notBeforeMs`; the time at which `arrive`, or else `lost`, is called. */
  carry(arrive: () => void, lost: () => void, notBeforeMs = 0): number {
    const { faults, nowMs, random, timers } = this.#options;
    const { drop, minDelayMs, maxDelayMs } = faults();
    const delayMs = maxDelayMs > minDelayMs ? minDelayMs + random.fraction() * (maxDelayMs - minDelayMs) : minDelayMs;
    const isLost = drop > 0 && random.fraction() < drop;
    const atMs = Math.max(nowMs() + delayMs, notBeforeMs);
    timers.after(atMs - nowMs(), isLost ? lost : arrive);
    return atMs;
  }
}
