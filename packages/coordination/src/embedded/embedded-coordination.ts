import { createMachineClient, type RawClientConfig } from '@flotilla/client';
import { createSystemRuntime, type Runtime, silentLogger } from '@flotilla/runtime';
import { GrpcSchedulerClient, type SchedulerClient } from '@flotilla/scheduler-client';
import { BackendError } from '../backend/backend-error.ts';
import type { CoordinationBackend } from '../backend/coordination-backend.ts';
import { createCoordinationMachine } from '../machine/coordination-machine.ts';
import { type CoordinationMachineConfig, defaultCoordinationMachineConfig } from '../machine/machine-config.ts';
import { machineRange } from '../machine/record-key.ts';
import { ClientChannel } from './client-channel.ts';
import { openLocalNode } from './local-node.ts';
import { MachineBackend } from './machine-backend.ts';

/** Where a node of this process keeps its data: nowhere, or in a directory that is no other process's meanwhile. */
export type EmbeddedPlace = { readonly memory: true } | { readonly dataDirectory: string };

/** What a coordination node inside this process is opened with. */
export type EmbeddedCoordinationOptions = EmbeddedPlace & {
  /** The system's, without logs, unless given. */
  readonly runtime?: Runtime | undefined;
  readonly machine?: Partial<CoordinationMachineConfig> | undefined;
  /** Of calls that give none; 5,000 ms unless given. */
  readonly timeoutMs?: number | undefined;
};

/** What reaching the coordination of a cluster needs; `schedulers` and `timeoutMs` alone cross to another thread. */
export interface ClusterCoordinationOptions {
  /** The cluster's schedulers, each `host:port`. */
  readonly schedulers: readonly string[];
  /** Of calls that give none; 5,000 ms unless given. */
  readonly timeoutMs?: number | undefined;
  readonly runtime?: Runtime | undefined;
  /** Gives up connecting. */
  readonly signal?: AbortSignal | undefined;
}

/** Pauses are short, because a store is near; silence is longer than two missed signs of life. */
const clientConfig: Partial<RawClientConfig> = {
  retryMaxMs: 250,
  attemptTimeoutMs: 2_000,
  streamSilenceMs: 2 * defaultCoordinationMachineConfig.progressIntervalMs + 2_000,
};

/**
 * Opens a cluster of one inside this process and resolves once it answers: the real store, scheduler and machine, without a
 * socket. Closing the backend closes them.
 *
 * @throws {EngineError} when the directory is in use, cannot be written to or is damaged; {BackendError} as a call does.
 */
export async function openEmbeddedCoordination(options: EmbeddedCoordinationOptions): Promise<CoordinationBackend> {
  const { machine, runtime = createSystemRuntime({ logger: silentLogger }), timeoutMs } = options;
  const dataDirectory = 'dataDirectory' in options ? options.dataDirectory : undefined;
  const node = await openLocalNode({ runtime, dataDirectory, machines: [createCoordinationMachine(machine)] });
  const { localStore, schedulerClient } = node;
  const client = createMachineClient({
    key: machineRange.start,
    schedulerClient,
    runtime,
    config: clientConfig,
    localStore,
  });
  const name = dataDirectory === undefined ? 'embedded in memory' : `embedded in ${dataDirectory}`;
  const channel = new ClientChannel(client, () => node.close());
  return answering(new MachineBackend(channel, { name, location: { type: 'here' }, runtime, timeoutMs }));
}

/**
 * Reaches the coordination of a cluster of storage nodes, and resolves once it answers.
 *
 * @throws {BackendError} `unavailable` when no scheduler or no store can be reached, `cancelled` when the signal aborts first.
 */
export async function connectEmbedded(options: ClusterCoordinationOptions): Promise<CoordinationBackend> {
  const { schedulers, signal, timeoutMs, runtime = createSystemRuntime({ logger: silentLogger }) } = options;
  let schedulerClient: SchedulerClient;
  try {
    schedulerClient = await GrpcSchedulerClient.connect({
      endpoints: schedulers,
      runtime,
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (cause) {
    const code = signal?.aborted === true ? 'cancelled' : 'unavailable';
    throw new BackendError(code, `no scheduler could be reached at ${schedulers.join(', ')}`, { cause });
  }
  const client = createMachineClient({ key: machineRange.start, schedulerClient, runtime, config: clientConfig });
  const channel = new ClientChannel(client, () => schedulerClient.close());
  const name = `embedded at ${schedulers.join(', ')}`;
  const location = { type: 'cluster', options: { schedulers, timeoutMs } } as const;
  return answering(new MachineBackend(channel, { name, location, runtime, timeoutMs }), signal);
}

/** The backend once it has answered; one that does not is closed. */
async function answering(backend: CoordinationBackend, signal?: AbortSignal): Promise<CoordinationBackend> {
  try {
    await backend.ping({ signal });
    return backend;
  } catch (error) {
    await backend.close();
    throw error;
  }
}
