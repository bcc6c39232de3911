import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type PlayAnswer, type PlayRequest, seedCpuLimitMs } from './player-message.ts';

/** How a seed ended. */
export interface Play {
  /** What the simulation complained of, if it did; a process that ends before the seed is a complaint as well. */
  readonly complaint: string | undefined;
  /** Whether the seed used up its time of the processor; then that is the complaint. */
  readonly isEndless: boolean;
  /** What the seed used of the processor; of a process that ended, the whole of what a seed may use. */
  readonly cpuMs: number;
}

/** A process that plays seeds, one at a time, with a mutant or without. Started when it is first asked. */
export class PlayerProcess {
  readonly #mutantId: string | undefined;
  #child: ChildProcess | undefined;
  #isStopped = false;

  constructor(mutantId?: string) {
    this.#mutantId = mutantId;
  }

  /**
   * Plays a seed.
   *
   * @throws {Error} when the process does not come so far as to play.
   */
  async play(request: PlayRequest): Promise<Play> {
    const child = this.#child ?? (await this.#start());
    return await new Promise((resolve, reject) => {
      const settle = (play: Play): void => {
        child.removeAllListeners('message').removeAllListeners('exit');
        resolve(play);
      };
      child.on('message', ({ failure, cpuMs }: PlayAnswer) => settle({ complaint: failure, isEndless: false, cpuMs }));
      child.on('exit', (code, signal) => {
        this.#child = undefined;
        const isEndless = signal === 'SIGVTALRM';
        const complaint = isEndless
          ? 'process: the seed does not end'
          : `process: ended with ${signal ?? code} in the middle of the seed`;
        if (this.#isStopped) reject(new Error('stopped'));
        else settle({ complaint, isEndless, cpuMs: seedCpuLimitMs });
      });
      child.send(request);
    });
  }

  /** Ends the process, whatever it is doing. */
  stop(): void {
    this.#isStopped = true;
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  async #start(): Promise<ChildProcess> {
    const player = fileURLToPath(new URL('../dist/player.js', import.meta.url));
    const child = fork(player, this.#mutantId === undefined ? [] : [this.#mutantId], {
      execArgv: ['--max-old-space-size=1024'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child = child;
    let complaint = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      complaint = `${complaint}${chunk}`.slice(-4_000);
    });
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('close', () => reject(new Error(`the player did not start:\n${complaint}`)));
    });
    child.removeAllListeners('close');
    return child;
  }
}
