/** The first of two signals to abort. */
export function firstAbort(one: AbortSignal, other: AbortSignal): Promise<AbortSignal> {
  return new Promise((resolve) => {
    for (const signal of [one, other]) {
      if (signal.aborted) resolve(signal);
      else signal.addEventListener('abort', () => resolve(signal), { once: true });
    }
  });
}
