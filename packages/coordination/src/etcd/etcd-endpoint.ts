import type { Runtime } from '@flotilla/runtime';
import { type Client, connectivityState, type MethodDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { Host } from 'etcd3/lib/connection-pool.js';
import { onAbort } from './call-scope.ts';
import type { EtcdSettings } from './etcd-options.ts';

/** The services that are called here. */
export type EtcdService = 'KV' | 'Lease' | 'Watch' | 'Auth';

/** An endpoint that could not be reached; nothing was sent. */
export class EndpointError extends Error {
  override readonly name = 'EndpointError';
}

/** The first whole number that a double cannot hold. */
const wideInteger = '9007199254740993';

let hosts = 0;

/** Channels with equal options share connections in the whole process; an option of its own has each host keep its own. */
function hostOf(address: string, { channelOptions, credentials }: EtcdSettings): Host {
  hosts += 1;
  return new Host(address, credentials, { ...channelOptions, 'flotilla.host': hosts });
}

/** One member's address, and the gRPC clients that etcd3 generates for it. */
export class EtcdEndpoint {
  readonly address: string;
  /** When it last failed, by the monotonic clock; 0 when it did not, or has worked since. */
  failedAtMs = 0;
  #host: Host;
  readonly #runtime: Runtime;
  readonly #settings: EtcdSettings;
  /** When the server last answered, or was last connected to anew. */
  #heardAtMs: number;
  #isClosed = false;
  readonly #changes = new Map<EtcdService, Promise<void>>();

  constructor(address: string, settings: EtcdSettings, runtime: Runtime) {
    this.address = address;
    this.#settings = settings;
    this.#host = hostOf(address, settings);
    this.#runtime = runtime;
    this.#heardAtMs = runtime.clock.monotonicMs();
  }

  /**
   * Whether 64-bit numbers come through the generated clients whole. They do not where the `long` package cannot be loaded as
   * protobufjs expects it, and then lease ids are silently rounded.
   */
  get keepsWideIntegers(): boolean {
    const { service } = this.#host.getServiceClient('Lease').constructor as ServiceClientConstructor;
    const revoke = service['LeaseRevoke'] as MethodDefinition<object, object>;
    const back = revoke.requestDeserialize(revoke.requestSerialize({ ID: wideInteger })) as { readonly ID: unknown };
    return back.ID === wideInteger;
  }

  markFailed(): void {
    this.failedAtMs = this.#runtime.clock.monotonicMs();
  }

  /** The server has answered something. */
  heard(): void {
    this.#heardAtMs = this.#runtime.clock.monotonicMs();
    this.failedAtMs = 0;
  }

  /**
   * Something was not answered in its time. When nothing was for long enough the connection is given up for a new one: calls that
   * come and go leave gRPC's own pings no time to find out that it is dead. What is under way on it goes on.
   */
  unanswered(): void {
    this.markFailed();
    const nowMs = this.#runtime.clock.monotonicMs();
    if (this.#isClosed || nowMs - this.#heardAtMs < this.#settings.dialTimeoutMs) return;
    this.#heardAtMs = nowMs;
    this.#changes.clear();
    this.#host.close();
    this.#host = hostOf(this.address, this.#settings);
  }

  /**
   * A client whose channel is connected.
   *
   * @throws {EndpointError} When the server refuses, cannot be found, or takes longer than `timeoutMs`.
   */
  async connect(service: EtcdService, timeoutMs: number, signal: AbortSignal): Promise<Client> {
    const untilMs = this.#runtime.clock.monotonicMs() + timeoutMs;
    for (;;) {
      signal.throwIfAborted();
      const client = this.#host.getServiceClient(service);
      const state = client.getChannel().getConnectivityState(true);
      if (state === connectivityState.READY) return client;
      if (state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN) {
        throw new EndpointError(`${this.address} cannot be reached`);
      }
      const remainingMs = untilMs - this.#runtime.clock.monotonicMs();
      if (remainingMs <= 0) {
        this.unanswered();
        throw new EndpointError(`${this.address} did not let us in within ${Math.round(timeoutMs)} ms`);
      }
      await this.#settled(this.#change(service, client, state), remainingMs, signal);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#host.close();
  }

  /** Resolves when the channel's state is another; one listener for all who wait. */
  #change(service: EtcdService, client: Client, state: connectivityState): Promise<void> {
    const waiting = this.#changes.get(service);
    if (waiting !== undefined) return waiting;
    const change = new Promise<void>((resolve) => {
      client.getChannel().watchConnectivityState(state, Number.POSITIVE_INFINITY, () => {
        this.#changes.delete(service);
        resolve();
      });
    });
    this.#changes.set(service, change);
    return change;
  }

  #settled(change: Promise<void>, timeoutMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        unlisten();
        resolve();
      };
      const timer = this.#runtime.timers.after(timeoutMs, end);
      const unlisten = onAbort(signal, () => this.#runtime.timers.defer(end));
      void change.then(end);
    });
  }
}
