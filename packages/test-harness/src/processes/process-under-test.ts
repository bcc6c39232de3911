import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

/** How a process ended, and everything it said. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Empty where a log file took it. */
  readonly output: Buffer;
  /** Empty where a log file took it. */
  readonly errors: string;
}

/** How a process is run. */
export interface ProcessOptions {
  /** Standard input; empty unless given. */
  readonly input?: string | Uint8Array | undefined;
  /** All that the process sees of an environment, beside `NO_COLOR`: settings of whoever runs the tests must not reach it. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** A command and its arguments that execute what follows them in their own place, such as `nsenter --net=FILE`. */
  readonly launcher?: readonly string[] | undefined;
  /** A file that output and errors are added to, for a process that says too much to keep. */
  readonly logPath?: string | undefined;
  /** Whether it gets a process group of its own, so that the Ctrl-C of a terminal passes it by. */
  readonly isDetached?: boolean | undefined;
}

/** Processes that run, so that none outlives the tests, whatever becomes of them. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** One real process of a test. */
export class ProcessUnderTest {
  readonly name: string;
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcess;
  readonly #output: Buffer[] = [];
  readonly #errors: Buffer[] = [];
  readonly #waiters = new Set<() => void>();
  #hasEnded = false;

  /** Starts `node` with `args`. */
  constructor(name: string, args: readonly string[], options: ProcessOptions = {}) {
    this.name = name;
    this.#child = start([...(options.launcher ?? []), process.execPath, ...args], options);
    running.add(this.#child);
    // A process that does not read its input ends with the pipe full; its exit code tells what matters.
    this.#child.stdin?.on('error', () => {});
    this.#child.stdin?.end(options.input);
    this.#child.stdout?.on('data', (chunk: Buffer) => this.#hear(this.#output, chunk));
    this.#child.stderr?.on('data', (chunk: Buffer) => this.#hear(this.#errors, chunk));
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => {
        running.delete(this.#child);
        this.#hasEnded = true;
        resolve({ code, signal, output: Buffer.concat(this.#output), errors: this.errors });
        for (const wake of this.#waiters) wake();
      });
    });
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.name} was not started`);
    return this.#child.pid;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Standard output so far, as text. */
  get output(): string {
    return Buffer.concat(this.#output).toString();
  }

  /** Standard error so far, as text. */
  get errors(): string {
    return Buffer.concat(this.#errors).toString();
  }

  /** Resolves when output or errors match; rejects when the process ends before, with all that it said. */
  async heard(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.output) && !pattern.test(this.errors)) {
      if (this.#hasEnded)
        throw new Error(`${this.name} ended before it said ${pattern}:\n${this.output}${this.errors}`);
      await new Promise<void>((resolve) => this.#waiters.add(resolve));
    }
  }

  /** Sends a signal and waits for the end. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<ProcessEnd> {
    this.signal(signal);
    return this.ended;
  }

  /** Sends a signal, unless the process has ended. */
  signal(signal: NodeJS.Signals): void {
    if (!this.#hasEnded) this.#child.kill(signal);
  }

  /** Closes the reading end of standard output, as `head` does. */
  closeOutput(): void {
    this.#child.stdout?.destroy();
  }

  #hear(into: Buffer[], chunk: Buffer): void {
    into.push(chunk);
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const wake of waiters) wake();
  }
}

function start([command = '', ...args]: readonly string[], options: ProcessOptions): ChildProcess {
  const log = options.logPath === undefined ? undefined : openSync(options.logPath, 'a');
  const said = log ?? 'pipe';
  const spawnOptions: SpawnOptions = {
    env: { NO_COLOR: '1', ...options.environment },
    stdio: ['pipe', said, said],
    detached: options.isDetached ?? false,
  };
  try {
    return spawn(command, args, spawnOptions);
  } finally {
    if (log !== undefined) closeSync(log);
  }
}
