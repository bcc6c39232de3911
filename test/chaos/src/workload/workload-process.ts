import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { WorkloadOptions, WorkloadOrder, WorkloadProgress, WorkloadReport } from './message.ts';

const program = fileURLToPath(new URL('./workload-main.js', import.meta.url));

/** How the process of the clients is run. */
export interface WorkloadPlacement {
  /** A command that executes what follows it, such as `nsenter --net=FILE`. */
  readonly launcher: readonly string[];
  readonly onOddity: (text: string) => void;
}

/** The clients, in a process of their own, so that nothing that the run does gets into their way. */
export class WorkloadProcess {
  readonly #child: ChildProcess;
  readonly #onOddity: (text: string) => void;
  readonly #ended: Promise<string>;
  #started: (originMs: number) => void = () => {};
  #finished: (complaint: string | undefined) => void = () => {};
  #progress: WorkloadProgress = { ok: 0, failed: 0, unknown: 0, ackedAtMs: 0 };

  private constructor({ launcher, onOddity }: WorkloadPlacement) {
    const [command = '', ...args] = [...launcher, process.execPath, program];
    this.#child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], detached: true });
    this.#onOddity = onOddity;
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(error.message));
      this.#child.once('close', (code, signal) => resolve(`they ended with ${signal ?? `code ${code}`}`));
    });
    this.#child.on('message', (report: WorkloadReport) => this.#hear(report));
    process.once('exit', () => this.kill());
  }

  /** Starts the clients; answers with them the origin of the history's times. */
  static async start(
    options: WorkloadOptions,
    placement: WorkloadPlacement,
  ): Promise<{ readonly workload: WorkloadProcess; readonly originMs: number }> {
    const workload = new WorkloadProcess(placement);
    const started = new Promise<number>((resolve) => {
      workload.#started = resolve;
    });
    workload.#send({ type: 'start', options });
    return { workload, originMs: await workload.#unlessEnded(started) };
  }

  /** What has ended so far, as of half a second ago at most. */
  get progress(): WorkloadProgress {
    return this.#progress;
  }

  /** Has the clients stop and complete the history; resolves with why the last reads are missing, if they are. */
  async finish(readsAll: boolean): Promise<string | undefined> {
    const finished = new Promise<string | undefined>((resolve) => {
      this.#finished = resolve;
    });
    this.#send({ type: 'finish', readsAll });
    return this.#unlessEnded(finished);
  }

  /** Ends the process, whatever it does. */
  kill(): void {
    if (this.#child.exitCode === null) this.#child.kill('SIGKILL');
  }

  /** @throws when the process ends first. */
  async #unlessEnded<T>(result: Promise<T>): Promise<T> {
    const ended = this.#ended.then((how): never => {
      throw new Error(`the clients cannot go on: ${how}`);
    });
    return Promise.race([result, ended]);
  }

  #send(order: WorkloadOrder): void {
    this.#child.send(order, () => {});
  }

  #hear(report: WorkloadReport): void {
    switch (report.type) {
      case 'started':
        this.#started(report.originMs);
        return;
      case 'progress':
        this.#progress = report.progress;
        return;
      case 'oddity':
        this.#onOddity(report.text);
        return;
      case 'finished':
        this.#finished(report.complaint);
        return;
    }
  }
}
