import { coordinationpb, WireError } from '@flotilla/protocol';
import type {
  MachineBatch,
  MachineLeadership,
  MachineSubscription,
  RegionMachine,
  RegionMachineHost,
  RegionMachineKind,
} from '@flotilla/raftstore';
import { runCommand } from './command-run.ts';
import type { Lease } from './lease-table.ts';
import { Lessor } from './lessor.ts';
import { loadStore } from './load-store.ts';
import { type CoordinationMachineConfig, defaultCoordinationMachineConfig } from './machine-config.ts';
import { MachineError } from './machine-error.ts';
import { MvccStore } from './mvcc-store.ts';
import { runQuery } from './query-run.ts';
import { machineRange } from './record-key.ts';
import { checkDepth, maxRequestBytes } from './request-check.ts';
import { Upkeep } from './upkeep.ts';
import { WatchHub } from './watch-hub.ts';

/**
 * The state machine of coordination: etcd's model of keys with revisions, leases and watches, on a region of its own. Its calls
 * are `coordinationpb.Command` and `Query`, answered by `Answer`; a refusal is an answer too.
 */
export function createCoordinationMachine(config: Partial<CoordinationMachineConfig> = {}): RegionMachineKind {
  const complete = { ...defaultCoordinationMachineConfig, ...config };
  return {
    name: 'coordination',
    range: machineRange,
    create: (host) => new CoordinationMachine(host, complete),
  };
}

class CoordinationMachine implements RegionMachine {
  readonly #host: RegionMachineHost;
  readonly #config: CoordinationMachineConfig;
  readonly #lessor: Lessor;
  readonly #watches: WatchHub;
  readonly #upkeep: Upkeep;
  #store: MvccStore;

  constructor(host: RegionMachineHost, config: CoordinationMachineConfig) {
    this.#host = host;
    this.#config = config;
    this.#store = new MvccStore({ reader: host.reader, recentBytes: config.recentBytes });
    const { clock } = host.runtime;
    this.#lessor = new Lessor({
      clock,
      leases: () => this.#store.leases,
      expire: (leases) => this.#expire(leases),
      standstillMs: config.standstillMs,
      expireBatch: config.expireBatch,
    });
    this.#watches = new WatchHub({
      store: () => this.#store,
      reader: host.reader,
      clock,
      pieceBytes: config.pieceBytes,
      progressIntervalMs: config.progressIntervalMs,
    });
    this.#upkeep = new Upkeep(config, {
      store: () => this.#store,
      propose: (command) => this.#propose(command),
    });
  }

  async load(): Promise<void> {
    this.#watches.beginReset();
    const store = await loadStore(this.#host.reader, this.#config.recentBytes);
    store.leases.observer = this.#lessor;
    this.#lessor.follow(undefined);
    this.#store = store;
    this.#watches.endReset();
  }

  apply(payload: Uint8Array, index: number, batch: MachineBatch): Uint8Array {
    return answering(() => {
      checkSize(payload);
      checkDepth(payload, 'command');
      const command = coordinationpb.Command.decode(payload);
      const store = this.#store;
      const { revision: before, compactRevision } = store;
      const answer = runCommand({ store, batch, index }, command);
      for (let revision = before + 1; revision <= store.revision; revision += 1) {
        this.#watches.publish(store.recent.get(revision));
      }
      if (store.compactRevision !== compactRevision) this.#watches.forgetPieces();
      return answer;
    });
  }

  written(): void {
    this.#store.recent.written();
  }

  read(payload: Uint8Array, leadership: MachineLeadership | undefined): Uint8Array {
    if (leadership !== undefined) this.#lessor.follow(leadership);
    return answering(() => {
      checkSize(payload);
      checkDepth(payload, 'query');
      const query = coordinationpb.Query.decode(payload);
      const lessor = leadership === undefined ? undefined : this.#lessor;
      return runQuery({ store: this.#store, lessor, watches: this.#watches }, query);
    });
  }

  tick(leadership: MachineLeadership | undefined): void {
    this.#lessor.tick(leadership);
    this.#upkeep.tick(leadership !== undefined);
    this.#watches.tick();
  }

  subscribe(payload: Uint8Array): MachineSubscription {
    return this.#watches.subscribe(payload);
  }

  close(): void {
    this.#lessor.follow(undefined);
    this.#watches.close();
  }

  async #expire(leases: readonly Lease[]): Promise<void> {
    const expiring = leases.map(({ id, grantIndex }) => ({ id, grantIndex }));
    await this.#propose({ expire: { leases: expiring } });
  }

  /** Logs a command of the machine's own. Whether it took effect shows in the store. */
  async #propose(command: Partial<coordinationpb.Command>): Promise<void> {
    const payload = coordinationpb.Command.encode(coordinationpb.Command.create(command));
    try {
      await this.#host.propose(payload);
    } catch (error) {
      this.#host.runtime.logger.warn('a proposal of the coordination machine failed', { error });
    }
  }
}

function checkSize(payload: Uint8Array): void {
  if (payload.length > maxRequestBytes) throw new MachineError('RequestTooLarge');
}

/** The answer as bytes; a refusal, and a payload that is not a call, are answers too. */
function answering(run: () => coordinationpb.Answer): Uint8Array {
  return coordinationpb.Answer.encode(answerOf(run));
}

function answerOf(run: () => coordinationpb.Answer): coordinationpb.Answer {
  try {
    return run();
  } catch (error) {
    if (error instanceof MachineError) return error.toAnswer();
    if (error instanceof WireError) return new MachineError('Malformed').toAnswer();
    throw error;
  }
}
