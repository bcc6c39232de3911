import { styleText } from 'node:util';

/** Styles used in output; each is a format of `util.styleText`. */
export type TextStyle = Parameters<typeof styleText>[0];

/** Where a command reads from and writes to: the process's streams, or a test's. */
export interface Terminal {
  readonly input: AsyncIterable<Uint8Array>;
  /** Whether people read standard output and standard error, rather than pipes or files. */
  readonly isOutputTty: boolean;
  readonly isErrorTty: boolean;
  /** Width of the terminal in characters. */
  readonly columns: number;
  /** Writes results. Resolves when there is room for more. @throws {OutputClosedError} when the reader has gone. */
  write(chunk: string | Uint8Array): Promise<void>;
  /** Resolves once all that was written has been taken. @throws {OutputClosedError} as `write` does. */
  flush(): Promise<void>;
  /** Writes messages, progress and errors: everything that is not a result. */
  writeError(text: string): void;
  /** `text` in a style, where the stream shows colours and the user has not refused them. */
  style(stream: 'output' | 'error', style: TextStyle, text: string): string;
}

/** Standard output takes no more, for instance because its disk is full. */
export class OutputFailedError extends Error {
  readonly code = 'outputFailed';

  constructor(cause: Error) {
    super(`cannot write the output: ${cause.message}`, { cause });
    this.name = 'OutputFailedError';
  }
}

/** Whoever read standard output has stopped, as `head` does: no failure, but nothing more to do. */
export class OutputClosedError extends Error {
  readonly code = 'outputClosed';

  constructor(cause: unknown) {
    super('standard output was closed', { cause });
    this.name = 'OutputClosedError';
  }
}

/** The process's streams as a terminal. Call once: it listens for errors on standard output. */
export function processTerminal(process: NodeJS.Process): Terminal {
  const { stdin, stdout, stderr, env } = process;
  let failure: Error | undefined;
  const wakers = new Set<() => void>();
  const wakeAll = (): void => {
    for (const wake of wakers) wake();
    wakers.clear();
  };
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    failure = error.code === 'EPIPE' ? new OutputClosedError(error) : new OutputFailedError(error);
    wakeAll();
  });
  stdout.on('drain', wakeAll);
  // Messages that nobody reads any more are lost with their reader.
  stderr.on('error', () => {});
  const colours = {
    output: showsColour(stdout.isTTY === true, env),
    error: showsColour(stderr.isTTY === true, env),
  };
  return {
    input: stdin,
    isOutputTty: stdout.isTTY === true,
    isErrorTty: stderr.isTTY === true,
    get columns() {
      return (stderr.isTTY ? stderr.columns : stdout.columns) ?? 80;
    },
    async write(chunk) {
      if (failure !== undefined) throw failure;
      if (stdout.write(chunk)) return;
      await new Promise<void>((resolve) => wakers.add(resolve));
      if (failure !== undefined) throw failure;
    },
    async flush() {
      if (failure === undefined) await new Promise<void>((resolve) => stdout.write('', () => resolve()));
      if (failure !== undefined) throw failure;
    },
    writeError: (text) => {
      stderr.write(text);
    },
    style: (stream, style, text) => (colours[stream] ? styleText(style, text, { validateStream: false }) : text),
  };
}

/** NO_COLOR, then FORCE_COLOR, then whether a capable terminal is there. Source: no-color.org. */
export function showsColour(isTty: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  if ((env['FORCE_COLOR'] ?? '') !== '') return env['FORCE_COLOR'] !== '0';
  return isTty && env['TERM'] !== 'dumb';
}
