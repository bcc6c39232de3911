import { MemoryEngine } from '@flotilla/engine';
import { coordinationpb } from '@flotilla/protocol';
import type { RegionMachine } from '@flotilla/raftstore';
import { SimulatedWorld } from '@flotilla/runtime';
import { type CoordinationMachineConfig, createCoordinationMachine } from '../../src/index.ts';

/** One replica's machine, applied to by hand. */
export class MachineReplica {
  readonly engine = new MemoryEngine();
  readonly world = new SimulatedWorld(1);
  readonly proposed: coordinationpb.Command[] = [];
  machine: RegionMachine;
  readonly #config: Partial<CoordinationMachineConfig>;
  #batch = this.engine.batch();
  #index = 0;

  constructor(config: Partial<CoordinationMachineConfig> = {}) {
    this.#config = config;
    this.machine = this.#create();
  }

  /** Applies a command; it reaches the database with `write`. */
  apply(command: Partial<coordinationpb.Command>): coordinationpb.Answer {
    const payload = coordinationpb.Command.encode(coordinationpb.Command.create(command));
    return coordinationpb.Answer.decode(this.applyBytes(payload));
  }

  applyBytes(payload: Uint8Array): Uint8Array {
    this.#index += 1;
    return this.machine.apply(payload, this.#index, this.#batch);
  }

  read(query: Partial<coordinationpb.Query>, isLeader = true): coordinationpb.Answer {
    const payload = coordinationpb.Query.encode(coordinationpb.Query.create(query));
    return coordinationpb.Answer.decode(this.machine.read(payload, isLeader ? { term: 1 } : undefined));
  }

  /** Brings what was applied into the database. */
  async write(): Promise<void> {
    const batch = this.#batch;
    this.#batch = this.engine.batch();
    await this.engine.write(batch, { sync: true });
    this.machine.written();
  }

  /** Starts again from the database, as after a restart. */
  async reload(): Promise<void> {
    await this.write();
    this.machine.close();
    this.machine = this.#create();
    await this.machine.load();
  }

  /** All pairs, as text. */
  async data(): Promise<string[]> {
    await this.write();
    const pairs = await this.engine.scan({ start: new Uint8Array(1) });
    return pairs.map(({ key, value }) => `${Buffer.from(key).toString('hex')}=${Buffer.from(value).toString('hex')}`);
  }

  #create(): RegionMachine {
    return createCoordinationMachine(this.#config).create({
      regionId: 1,
      reader: this.engine,
      runtime: this.world.createRuntime('replica'),
      propose: async (payload) => {
        this.proposed.push(coordinationpb.Command.decode(payload));
        return undefined;
      },
    });
  }
}
