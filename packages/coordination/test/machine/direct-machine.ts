import { MemoryDisk, MemoryEngine } from '@flotilla/engine';
import type { MachineLeadership, RegionMachine } from '@flotilla/raftstore';
import type { Runtime } from '@flotilla/runtime';
import {
  BackendError,
  type CoordinationMachineConfig,
  createCoordinationMachine,
  MachineBackend,
  type MachineChannel,
} from '../../src/index.ts';

/** What a direct machine can be made with. */
export interface DirectMachineOptions {
  readonly runtime: Runtime;
  readonly config?: Partial<CoordinationMachineConfig>;
  /** Between two ticks; 100 ms by default, 0 for none: the test ticks by itself. */
  readonly tickMs?: number;
}

/**
 * One coordination machine over a database in memory, without raft: each call is applied, or read, at once by a leader without
 * followers, and written in a turn of the loop of its own. `connect` gives backends on it.
 */
export class DirectMachine {
  readonly engine: MemoryEngine;
  readonly machine: RegionMachine;
  /** Every command that was applied, in order. */
  readonly applied: Uint8Array[] = [];
  /** `undefined` makes the machine a replica that does not lead. */
  leadership: MachineLeadership | undefined = { term: 1 };
  /** While true no call arrives and no subscription lives. */
  isCut = false;
  readonly #runtime: Runtime;
  #index = 0;
  #writing: Promise<void> = Promise.resolve();
  readonly #lost = new Set<() => void>();
  readonly #ticking: { cancel(): void } | undefined;

  private constructor(options: DirectMachineOptions) {
    this.#runtime = options.runtime;
    this.engine = new MemoryEngine(new MemoryDisk());
    this.machine = createCoordinationMachine(options.config).create({
      regionId: 1,
      reader: this.engine,
      runtime: options.runtime,
      propose: async (payload) => (this.leadership === undefined ? undefined : this.apply(payload)),
    });
    const tickMs = options.tickMs ?? 100;
    if (tickMs > 0) this.#ticking = options.runtime.timers.every(tickMs, () => this.machine.tick(this.leadership));
  }

  static async open(options: DirectMachineOptions): Promise<DirectMachine> {
    const direct = new DirectMachine(options);
    await direct.machine.load();
    return direct;
  }

  /** Applies a command; resolves with the answer once it is in the database. */
  async apply(payload: Uint8Array): Promise<Uint8Array> {
    const batch = this.engine.batch();
    this.#index += 1;
    this.applied.push(payload);
    const answer = this.machine.apply(payload, this.#index, batch);
    const index = this.#index;
    this.#writing = this.#writing.then(async () => {
      await this.engine.write(batch, { sync: true });
      if (index === this.#index) this.machine.written();
    });
    await this.#writing;
    return answer;
  }

  /** A backend on the machine. */
  connect(runtime: Runtime = this.#runtime): MachineBackend {
    return new MachineBackend(this.#channel(), { name: 'direct', location: { type: 'here' }, runtime });
  }

  /** Ends the subscriptions that are open, as a lost connection does. */
  loseConnections(): void {
    for (const lose of [...this.#lost]) lose();
  }

  close(): void {
    this.#ticking?.cancel();
    this.machine.close();
  }

  #channel(): MachineChannel {
    return {
      call: async (payload, { kind, signal, timeoutMs }) => {
        if (signal?.aborted === true) throw new BackendError('cancelled', 'the call was given up');
        if (this.isCut) {
          await this.#runtime.timers.sleep(timeoutMs, signal).catch((cause: unknown) => {
            throw new BackendError('cancelled', 'the call was given up', { cause });
          });
          throw new BackendError('timeout', 'the machine is cut off');
        }
        if (kind === 'write') return this.apply(payload);
        return this.machine.read(payload, kind === 'read' ? this.leadership : undefined);
      },
      subscribe: (payload, signal) => this.#subscribe(payload, signal),
      close: async () => {},
    };
  }

  async *#subscribe(payload: Uint8Array, signal: AbortSignal): AsyncIterable<Uint8Array> {
    if (this.isCut) throw new BackendError('unavailable', 'the machine is cut off');
    const subscription = this.machine.subscribe(payload);
    let isLost = false;
    const lose = (): void => {
      isLost = true;
      subscription.close();
    };
    this.#lost.add(lose);
    signal.addEventListener('abort', lose, { once: true });
    try {
      for (;;) {
        const piece = await subscription.next();
        if (signal.aborted) return;
        if (isLost) throw new BackendError('unavailable', 'the connection was lost');
        if (piece === undefined) return;
        yield piece;
      }
    } finally {
      this.#lost.delete(lose);
      signal.removeEventListener('abort', lose);
      subscription.close();
    }
  }
}
