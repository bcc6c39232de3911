import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { BenchReply, BenchRequest } from './message.ts';
import { type ProcessUsage, readProcessUsage } from './process-usage.ts';

/** A process of the benchmark that has ended by itself, or was asked for what it cannot do. */
export class ChildError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ChildError';
  }
}

/** How a process is started. */
export interface ChildPlan {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Where its output goes. */
  readonly logPath: string;
  /** Whether it is one of ours, which takes requests. */
  readonly hasChannel: boolean;
}

/** A process of ours, `name` of `cluster/process`, with arguments. */
export function ownProcess(name: string, logPath: string, args: readonly string[], nodeArgs: readonly string[] = []) {
  const entry = fileURLToPath(new URL(`./process/${name}.js`, import.meta.url));
  return { command: process.execPath, args: [...nodeArgs, entry, ...args], logPath, hasChannel: true };
}

/** One process that the benchmark has started, in a process group of its own. */
export class Child {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #logPath: string;
  readonly #replies: BenchReply[] = [];
  #wake: () => void = () => {};
  #failure: ChildError | undefined;
  readonly #ended: Promise<void>;
  #isStopping = false;

  constructor(plan: ChildPlan) {
    this.name = plan.name;
    this.#logPath = plan.logPath;
    const log = openSync(plan.logPath, 'a');
    // Settings meant for other commands must not reach these.
    const inherited = Object.entries(process.env).filter(([name]) => !/^(FLOTILLA_|ETCD_|NODE_OPTIONS$)/.test(name));
    this.#child = spawn(plan.command, [...plan.args], {
      detached: true,
      stdio: ['ignore', log, log, ...(plan.hasChannel ? (['ipc'] as const) : [])],
      env: Object.fromEntries(inherited),
    });
    closeSync(log);
    this.#child.on('message', (message) => {
      this.#replies.push(message as BenchReply);
      this.#wake();
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (error) => this.#fail(`could not be started: ${error.message}`));
      this.#child.once('error', () => resolve());
      this.#child.once('exit', (code, signal) => {
        if (!this.#isStopping) this.#fail(`ended by ${signal ?? `itself with code ${code}`}\n${this.#lastLines()}`);
        resolve();
      });
    });
  }

  get usage(): ProcessUsage | undefined {
    return this.#child.pid === undefined ? undefined : readProcessUsage(this.#child.pid);
  }

  /** @throws {ChildError} when the process has ended. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  send(request: BenchRequest): void {
    this.check();
    this.#child.send(request);
  }

  /**
   * The next reply, which has to be of that type.
   *
   * @throws {ChildError} when it is another, or the process has ended.
   */
  async reply<Type extends BenchReply['type']>(type: Type): Promise<Extract<BenchReply, { readonly type: Type }>> {
    for (;;) {
      const next = this.#replies.shift();
      if (next?.type === type) return next as Extract<BenchReply, { readonly type: Type }>;
      if (next?.type === 'failed') throw new ChildError(`${this.name}: ${next.reason}`);
      if (next !== undefined) throw new ChildError(`${this.name}: ${next.type} where ${type} was due`);
      this.check();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Lets the process end in order; resolves when it has. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#child.connected) this.#child.send({ type: 'stop' });
    else this.#child.kill('SIGTERM');
    await this.#ended;
  }

  /** Ends the process at once. */
  kill(): void {
    this.#isStopping = true;
    this.#child.kill('SIGKILL');
  }

  get ended(): Promise<void> {
    return this.#ended;
  }

  #fail(how: string): void {
    this.#failure = new ChildError(`${this.name} ${how}`);
    this.#wake();
  }

  #lastLines(): string {
    return readFileSync(this.#logPath, 'utf8').split('\n').slice(-20).join('\n');
  }
}
