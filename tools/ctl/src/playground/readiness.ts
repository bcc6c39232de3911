import type { Timers } from '@flotilla/runtime';

const pollMs = 200;
const requestTimeoutMs = 2_000;

/** Resolves when `url` answers 200; rejects with the signal's reason when it aborts first. */
export async function waitUntilReady(url: string, timers: Timers, signal: AbortSignal): Promise<void> {
  while (!(await answersOk(url, signal))) await timers.sleep(pollMs, signal);
}

async function answersOk(url: string, signal: AbortSignal): Promise<boolean> {
  signal.throwIfAborted();
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    // Not listening yet, or too slow to answer: the same to whoever waits.
    return false;
  }
}
