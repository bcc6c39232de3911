import { type ChildProcess, spawn } from 'node:child_process';
import type { Clock, TimerHandle, Timers } from '@flotilla/runtime';
import { LinePrefixer } from './line-prefixer.ts';
import type { ProcessPlan } from './plan.ts';

/** How a process ended. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether it had answered as ready at any time. */
  readonly wasReady: boolean;
}

/** What the supervisor needs from its owner. */
export interface SupervisionOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Writes complete lines of the child's output. */
  readonly write: (text: string) => void;
  readonly prefix: string;
  readonly showsColour: boolean;
  /** Says what happened to the child, for people. */
  readonly note: (text: string) => void;
  /** The process was started again after it had died. */
  readonly onRestarted: () => void;
  /** The process refused to start: trying again would end the same way. */
  readonly onRefused: (exit: ProcessExit) => void;
}

const minRestartMs = 500;
const maxRestartMs = 15_000;
/** A process that ran this long starts over with the shortest pause. */
const stableMs = 30_000;
/** A process that was killed this often before it was ever ready will not get better by itself. */
const maxRefusals = 3;
/** Exit codes from here on say, by sysexits.h, why a process does not start; 70 alone is a fault, and worth another try. */
const firstRefusalCode = 64;
const faultCode = 70;

/**
 * One child process that is started again when it dies.
 *
 * It runs in a process group of its own, so that a terminal's Ctrl-C reaches the supervisor alone, which then stops its
 * children in order. The IPC channel is the other half: a child whose channel closes knows that its supervisor is gone.
 */
export class SupervisedProcess {
  readonly plan: ProcessPlan;
  readonly #options: SupervisionOptions;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #restart: TimerHandle | undefined;
  #pauseMs = minRestartMs;
  #refusals = 0;
  #isReady = false;
  #stopping = false;

  constructor(plan: ProcessPlan, options: SupervisionOptions) {
    this.plan = plan;
    this.#options = options;
  }

  /** Process id while it runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    const { clock, write, prefix, showsColour, note } = this.#options;
    const beganMs = clock.monotonicMs();
    const colours = showsColour ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' };
    // The plan says all there is to say; settings meant for other commands must not reach these.
    const inherited = Object.entries(process.env).filter(([name]) => !/^(FLOTILLA_|NO_COLOR$|FORCE_COLOR$)/.test(name));
    const child = spawn(process.execPath, [...this.plan.args], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...Object.fromEntries(inherited), ...colours },
    });
    this.#child = child;
    const prefixers = [new LinePrefixer(prefix, write), new LinePrefixer(prefix, write)] as const;
    child.stdout?.on('data', (chunk: Buffer) => prefixers[0].push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => prefixers[1].push(chunk));
    this.#exited = new Promise((resolve) => {
      child.once('error', (error) => note(`${this.plan.name} could not be started: ${error.message}`));
      child.once('close', (code, signal) => {
        for (const prefixer of prefixers) prefixer.end();
        this.#child = undefined;
        resolve();
        this.#onExit({ code, signal, wasReady: this.#isReady }, clock.monotonicMs() - beganMs);
      });
    });
  }

  /** Tells that the process has answered as ready. */
  markReady(): void {
    this.#isReady = true;
    this.#refusals = 0;
  }

  /** Asks the process to end and resolves when it has; it is not started again. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#restart?.cancel();
    this.#child?.kill('SIGTERM');
    await this.#exited;
  }

  /** Ends the process at once. */
  kill(): void {
    this.#stopping = true;
    this.#restart?.cancel();
    this.#child?.kill('SIGKILL');
  }

  #onExit(exit: ProcessExit, ranMs: number): void {
    if (this.#stopping) return;
    const how = exit.signal === null ? `exited with code ${exit.code}` : `was ended by ${exit.signal}`;
    if (!exit.wasReady) this.#refusals += 1;
    const isRefusal =
      exit.code !== null && (!exit.wasReady || (exit.code >= firstRefusalCode && exit.code !== faultCode));
    if (isRefusal || this.#refusals >= maxRefusals) {
      this.#options.note(`${this.plan.name} ${how}${exit.wasReady ? '' : ' before it was ready'}`);
      this.#options.onRefused(exit);
      return;
    }
    if (ranMs >= stableMs) this.#pauseMs = minRestartMs;
    this.#options.note(`${this.plan.name} ${how}; starting it again in ${this.#pauseMs / 1_000} s`);
    this.#restart = this.#options.timers.after(this.#pauseMs, () => {
      this.start();
      this.#options.onRestarted();
    });
    this.#pauseMs = Math.min(this.#pauseMs * 2, maxRestartMs);
  }
}
