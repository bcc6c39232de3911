import { flotillapb } from '@flotilla/protocol';
import type { Runtime } from '@flotilla/runtime';
import type { SchedulerClient } from '@flotilla/scheduler-client';
import type { CallOptions } from './call-deadline.ts';
import { ClosedError } from './client-error.ts';
import { type RawClientConfig, type ReadPreference, resolveRawClientConfig } from './config.ts';
import { GrpcStoreChannels } from './grpc-store-channels.ts';
import type { LocalStore } from './local-store.ts';
import { RegionCaller } from './region-call.ts';
import { RegionDirectory } from './region-directory.ts';
import { RegionStream } from './region-stream.ts';
import { ReplicaChoice } from './replica-choice.ts';
import type { StoreChannels } from './store-channels.ts';

/** What a client of a state machine needs. */
export interface MachineClientOptions {
  /** A key of the machine's range: its region has the machine. */
  readonly key: Uint8Array;
  /** Finds regions and stores; stays the caller's to close. */
  readonly schedulerClient: SchedulerClient;
  readonly runtime: Runtime;
  /** `readPreference` is who answers reads and serves streams that do not say. */
  readonly config?: Partial<RawClientConfig>;
  /** A store of this process: it is asked without a connection. */
  readonly localStore?: LocalStore | undefined;
  /** How stores are reached: over gRPC unless given. Closed with the client. */
  readonly channels?: StoreChannels | undefined;
}

/** What a call of a machine takes. */
export interface MachineCallOptions extends CallOptions {
  /** Whether the call changes nothing: then it is not logged, and may be sent again. */
  readonly isRead?: boolean | undefined;
  /** Of a read: whether any replica may answer. It is as fresh as the leader's answer. */
  readonly readPreference?: ReadPreference | undefined;
}

/** What following a machine takes. */
export interface MachineStreamOptions {
  /** Ends the stream. */
  readonly signal?: AbortSignal | undefined;
  /** Whether any replica may serve it; unless told, the leader is asked first. */
  readonly readPreference?: ReadPreference | undefined;
}

/** What a machine tells one follower. */
export interface MachineStream {
  /**
   * The next piece; `undefined` once the machine has ended the stream, and for ever after. One call at a time.
   *
   * @throws {ClientError} when the stream was lost: with code `unavailable` or `regionError` a new one, from where the reader
   *   is, may go on at once; before the first piece only after trying for `requestTimeoutMs`.
   */
  next(): Promise<Uint8Array | undefined>;
  close(): void;
}

/**
 * Calls and follows a state machine of the cluster. Every call rejects with a `ClientError` of a stable `code`; a call that is
 * no read and rejects with any code but `outcomeUnknown` certainly took no effect.
 */
export interface MachineClient {
  call(payload: Uint8Array, options?: MachineCallOptions): Promise<Uint8Array>;
  subscribe(payload: Uint8Array, options?: MachineStreamOptions): MachineStream;
  /** Ends the connections and streams; what is under way rejects. */
  close(): Promise<void>;
}

/**
 * A client of one machine of the cluster that `schedulerClient` knows.
 *
 * @throws {RawClientConfigError} with code `invalidConfig`.
 */
export function createMachineClient(options: MachineClientOptions): MachineClient {
  return new RoutingMachineClient(options);
}

class RoutingMachineClient implements MachineClient {
  readonly #key: Uint8Array;
  readonly #runtime: Runtime;
  readonly #config: RawClientConfig;
  readonly #directory: RegionDirectory;
  readonly #channels: StoreChannels;
  readonly #caller: RegionCaller;
  readonly #replicas: ReplicaChoice;
  readonly #streams = new Set<RegionStream<flotillapb.MachineSubscribeRequest, flotillapb.MachinePiece>>();

  constructor({ key, schedulerClient, runtime, config: partial, localStore, channels }: MachineClientOptions) {
    // A call sent twice would count twice, however the caller's records are made.
    const config = resolveRawClientConfig({ ...partial, retryUnknownWrites: false });
    this.#key = key;
    this.#runtime = runtime;
    this.#config = config;
    this.#directory = new RegionDirectory(schedulerClient, config, runtime);
    this.#channels = channels ?? new GrpcStoreChannels(schedulerClient, config, runtime, localStore);
    this.#caller = new RegionCaller({ directory: this.#directory, channels: this.#channels, config, runtime });
    this.#replicas = new ReplicaChoice(runtime.clock);
  }

  async call(payload: Uint8Array, options: MachineCallOptions = {}): Promise<Uint8Array> {
    const key = this.#key;
    const { isRead = false, readPreference } = options;
    const { response } = await this.#caller.call(
      {
        name: isRead ? 'machine read' : 'machine call',
        key,
        isWrite: !isRead,
        method: flotillapb.Machines.call,
        readPreference,
        build: (context) => flotillapb.MachineCallRequest.create({ context, key, payload, isRead }),
      },
      options,
    );
    return response.payload;
  }

  subscribe(payload: Uint8Array, { signal, readPreference }: MachineStreamOptions = {}): MachineStream {
    const key = this.#key;
    const stream = new RegionStream(
      {
        name: 'machine subscription',
        key,
        method: flotillapb.Machines.subscribe,
        build: (context) => flotillapb.MachineSubscribeRequest.create({ context, key, payload }),
      },
      {
        directory: this.#directory,
        channels: this.#channels,
        config: this.#config,
        runtime: this.#runtime,
        replicas: this.#replicas,
        readPreference: readPreference ?? this.#config.readPreference,
        signal,
        onEnd: () => this.#streams.delete(stream),
      },
    );
    this.#streams.add(stream);
    return {
      next: async () => (await stream.next())?.payload,
      close: () => stream.end(),
    };
  }

  async close(): Promise<void> {
    this.#caller.close();
    for (const stream of [...this.#streams]) stream.end(new ClosedError('the client was closed'));
    this.#directory.close();
    this.#channels.close();
  }
}
