import { type ChildProcess, spawn } from 'node:child_process';

/** How a process ended, and everything it said. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: Buffer;
  readonly errors: string;
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

  /** Starts `node` with `args`; standard input is `input`, or empty. */
  constructor(name: string, args: readonly string[], input?: string | Uint8Array) {
    this.name = name;
    // Settings of whoever runs the tests must not reach the processes under test.
    const inherited = Object.entries(process.env).filter(([name]) => !/^(FLOTILLA_|FORCE_COLOR$)/.test(name));
    this.#child = spawn(process.execPath, [...args], {
      env: { ...Object.fromEntries(inherited), NO_COLOR: '1' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    running.add(this.#child);
    // A process that does not read its input ends with the pipe full; its exit code tells what matters.
    this.#child.stdin?.on('error', () => {});
    this.#child.stdin?.end(input);
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
    if (!this.#hasEnded) this.#child.kill(signal);
    return this.ended;
  }

  /** Sends a signal. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
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
