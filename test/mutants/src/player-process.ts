import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { PlayAnswer, PlayRequest } from './player-message.ts';

/** Real time after which a seed that goes on is taken for one that does not end. */
const seedLimitMs = 120_000;

/** A process that plays seeds, one at a time, with a mutant or without. Started when it is first asked. */
export class PlayerProcess {
  readonly #mutantId: string | undefined;
  #child: ChildProcess | undefined;
  #isStopped = false;

  constructor(mutantId?: string) {
    this.#mutantId = mutantId;
  }

  /**
   * Plays a seed; answers what the simulation complained of, or `undefined`. A process that ends, or does not end with the
   * seed, is a complaint as well.
   *
   * @throws {Error} when the process does not come so far as to play.
   */
  async play(request: PlayRequest): Promise<string | undefined> {
    const child = this.#child ?? (await this.#start());
    return await new Promise((resolve, reject) => {
      const settle = (failure: string | undefined): void => {
        clearTimeout(timer);
        child.removeAllListeners('message').removeAllListeners('exit');
        resolve(failure);
      };
      const timer = setTimeout(() => {
        this.#end();
        settle(`process: the seed did not end within ${seedLimitMs / 1_000} s`);
      }, seedLimitMs);
      child.on('message', (answer: PlayAnswer) => settle(answer.failure));
      child.on('exit', (code, signal) => {
        this.#child = undefined;
        if (this.#isStopped) reject(new Error('stopped'));
        else settle(`process: ended with ${signal ?? code} in the middle of the seed`);
      });
      child.send(request);
    });
  }

  /** Ends the process, whatever it is doing. */
  stop(): void {
    this.#isStopped = true;
    this.#end();
  }

  #end(): void {
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
