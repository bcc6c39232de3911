import { type Runtime, SimulatedWorld } from '@flotilla/runtime';
import { describeFailure } from '../src/failure.ts';
import { runProgram } from '../src/program.ts';
import { MemoryCluster } from './memory-cluster.ts';
import { MemoryTerminal } from './memory-terminal.ts';

/** A command line run in this process, over a cluster in memory. */
export class CommandBench {
  readonly cluster = new MemoryCluster();
  terminal = new MemoryTerminal();
  readonly interrupt = new AbortController();
  /** Called at each pause of a command, which then goes on at once; without it, time stands still. */
  onPause: (() => void) | undefined;

  /** Runs one command line to its exit code, with a terminal of its own. */
  async run(...args: readonly string[]): Promise<number> {
    const runtime = timelessRuntime(this.onPause);
    try {
      return await runProgram(args, {
        terminal: this.terminal,
        version: '0.0.0',
        contextOf: (options) => ({
          terminal: this.terminal,
          runtime,
          options,
          interrupt: this.interrupt.signal,
          connect: async () => this.cluster,
        }),
      });
    } catch (error) {
      const failure = describeFailure(error);
      this.terminal.writeError(`${failure.message}\n`);
      return failure.exitCode;
    }
  }

  /** Begins with an empty terminal again. */
  clear(): void {
    this.terminal = new MemoryTerminal();
  }
}

/** A runtime whose time stands still, while deferred work runs: files and streams bring their data meanwhile. */
function timelessRuntime(onPause: (() => void) | undefined): Runtime {
  const runtime = new SimulatedWorld(1).createRuntime('flotilla');
  const { timers } = runtime;
  return {
    ...runtime,
    timers: {
      after: (delayMs, callback) => timers.after(delayMs, callback),
      every: (periodMs, callback) => timers.every(periodMs, callback),
      sleep: async (delayMs, signal) => {
        if (onPause === undefined) return timers.sleep(delayMs, signal);
        onPause();
        signal?.throwIfAborted();
      },
      defer: (callback) => setImmediate(callback),
    },
  };
}
