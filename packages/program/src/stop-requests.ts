import closeWithGrace from 'close-with-grace';

/** Why a program is to stop: a signal, an error that nothing caught, or neither when it was asked over a channel. */
export interface StopRequest {
  readonly signal?: string | undefined;
  readonly error?: Error | undefined;
}

/** The process whose requests are listened to. */
export interface SupervisedProcess {
  once(event: 'disconnect', listener: () => void): unknown;
}

/** What happens on a request to stop. */
export interface StopHandlers {
  /** The longest that `stop` may take. */
  readonly timeoutMs: number;
  /** Whether an event loop that has run empty is a request to stop as well. */
  readonly stopsWhenIdle: boolean;
  readonly stop: (request: StopRequest) => Promise<void>;
  /** Another signal while `stop` is under way. */
  readonly onSecondSignal: (signal: string) => void;
  /** Another uncaught error while `stop` is under way. */
  readonly onSecondError: (error: unknown) => void;
  readonly onTimeout: (timeoutMs: number) => void;
}

/**
 * Not requests to stop. The kernel sends most of them for a fault of the process itself, which recurs as soon as a handler
 * returns: with one, a crash would spin instead of ending the program.
 */
const faultSignals = ['SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV', 'SIGQUIT', 'SIGUSR2'] as const;

/**
 * Stops a program once, on the first signal, uncaught error or end of its supervisor's channel; for main modules only, as
 * it installs handlers for the whole process. The process ends when `stop` is done. The returned function asks for a stop.
 */
export function stopOnRequest(process: SupervisedProcess, handlers: StopHandlers): () => void {
  const grace = closeWithGrace(
    {
      delay: handlers.timeoutMs,
      logger: false,
      skip: handlers.stopsWhenIdle ? [...faultSignals] : ['beforeExit', ...faultSignals],
      onSecondSignal: handlers.onSecondSignal,
      onSecondError: handlers.onSecondError,
      onTimeout: handlers.onTimeout,
    },
    ({ signal, err }) => handlers.stop({ signal, error: err }),
  );
  // Whoever supervises the process over an IPC channel wants it to end when the supervisor does, however that ends.
  process.once('disconnect', () => grace.close());
  return () => grace.close();
}
