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

/** One member's address, and the gRPC clients that etcd3 generates for it. */
export class EtcdEndpoint {
  readonly address: string;
  /** When it last failed, by the monotonic clock; 0 when it did not, or has worked since. */
  failedAtMs = 0;
  readonly #host: Host;
  readonly #runtime: Runtime;
  readonly #changes = new Map<EtcdService, Promise<void>>();

  constructor(address: string, settings: EtcdSettings, runtime: Runtime) {
    this.address = address;
    this.#host = new Host(address, settings.credentials, settings.channelOptions);
    this.#runtime = runtime;
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

  /**
   * A client whose channel is connected.
   *
   * @throws {EndpointError} When the server refuses, cannot be found, or takes longer than `timeoutMs`.
   */
  async connect(service: EtcdService, timeoutMs: number, signal: AbortSignal): Promise<Client> {
    const client = this.#host.getServiceClient(service);
    const untilMs = this.#runtime.clock.monotonicMs() + timeoutMs;
    for (;;) {
      signal.throwIfAborted();
      const state = client.getChannel().getConnectivityState(true);
      if (state === connectivityState.READY) return client;
      if (state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN) {
        throw new EndpointError(`${this.address} cannot be reached`);
      }
      const remainingMs = untilMs - this.#runtime.clock.monotonicMs();
      if (remainingMs <= 0)
        throw new EndpointError(`${this.address} did not let us in within ${Math.round(timeoutMs)} ms`);
      await this.#settled(this.#change(service, client, state), remainingMs, signal);
    }
  }

  close(): void {
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
