/** A timer that has been armed; cancelling one that has fired, or twice, does nothing. */
export interface TimerHandle {
  cancel(): void;
}

/** Arms timers and defers work. Everything that runs later in Flotilla runs through one of these. */
export interface Timers {
  /** Runs `callback` once, `delayMs` or more from now. */
  after(delayMs: number, callback: () => void): TimerHandle;
  /** Runs `callback` every `periodMs` until cancelled; late rounds are not made up for. */
  every(periodMs: number, callback: () => void): TimerHandle;
  /** Runs `callback` after what is running now and after I/O that is already waiting. Order among deferrals is kept. */
  defer(callback: () => void): void;
  /** Resolves after `delayMs`; rejects with the signal's reason when it aborts first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}
