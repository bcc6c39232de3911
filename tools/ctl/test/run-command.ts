import {
  ConfigCenter,
  type CoordinationBackend,
  create,
  DistributedLock,
  openEmbeddedCoordination,
} from '@flotilla/coordination';
import { createSystemRuntime, type Runtime, SimulatedWorld, silentLogger } from '@flotilla/runtime';
import { exitCode } from '../src/exit-code.ts';
import { describeFailure } from '../src/failure.ts';
import { runProgram } from '../src/program.ts';
import { MemoryCluster } from './memory-cluster.ts';
import { MemoryTerminal } from './memory-terminal.ts';

/** A command line run in this process, over a cluster in memory. */
export class CommandBench {
  readonly cluster = new MemoryCluster();
  terminal = new MemoryTerminal();
  interrupt = new AbortController();
  /** The last taker of signals, which a test can send some. */
  signalTaker: ((signal: NodeJS.Signals) => void) | undefined;
  #backend: Promise<CoordinationBackend> | undefined;
  /** Called at each pause of a command, which then goes on at once; without it, time stands still. */
  onPause: (() => void) | undefined;

  /** Runs one command line to its exit code, with a terminal of its own. */
  async run(...args: readonly string[]): Promise<number> {
    const runtime = timelessRuntime(this.onPause);
    const { signal: interrupt } = this.interrupt;
    try {
      return await runProgram(args, {
        terminal: this.terminal,
        version: '0.0.0',
        contextOf: (options) => ({
          terminal: this.terminal,
          runtime,
          options,
          interrupt,
          connect: async () => this.cluster,
          coordinate: async () => create({ backend: await this.backend(), runtime: systemRuntime }),
          takeSignals: (handler) => {
            this.signalTaker = handler;
            return () => {
              this.signalTaker = undefined;
            };
          },
        }),
      });
    } catch (error) {
      if (interrupt.aborted) return exitCode.interrupted;
      const failure = describeFailure(error);
      this.terminal.writeError(`${failure.message}\n`);
      return failure.exitCode;
    }
  }

  /** Begins with an empty terminal again, and without Ctrl-C. */
  clear(): void {
    this.terminal = new MemoryTerminal();
    this.interrupt = new AbortController();
  }

  /** The backend of coordination, which all command lines of this bench share. */
  backend(): Promise<CoordinationBackend> {
    this.#backend ??= openEmbeddedCoordination({ memory: true });
    return this.#backend;
  }

  /** The configuration that the command lines see. */
  async configCenter(): Promise<ConfigCenter> {
    return ConfigCenter.open({ backend: await this.backend(), clock: systemRuntime.clock });
  }

  /** Takes a lock that the command lines see as another's. */
  async lock(name: string): Promise<{ readonly leaseId: bigint; release(): Promise<void> }> {
    const backend = await this.backend();
    const before = await backend.leases();
    const lock = await new DistributedLock({ backend, runtime: systemRuntime }).acquire(name);
    const [leaseId = 0n] = (await backend.leases()).filter((id) => !before.includes(id));
    return { leaseId, release: () => lock.release() };
  }

  async close(): Promise<void> {
    await (await this.#backend)?.close();
  }
}

const systemRuntime = createSystemRuntime({ logger: silentLogger });

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
