import { type ChannelOptions, experimental, Metadata, status } from '@grpc/grpc-js';
import { parseAddress } from '../service-address.ts';
import { type ChannelContext, contextOf, instancesOption, type ResolvedInstance } from './channel-context.ts';

/** The scheme of the targets of channels that follow a registry. */
export const serviceScheme = 'flotilla-service';

/** Gives a channel the instances of its service, and again whenever they change. */
export class ServiceResolver implements experimental.Resolver {
  readonly #listener: experimental.ResolverListener;
  readonly #context: ChannelContext;
  #unsubscribe: (() => void) | undefined;
  #isPushing = false;

  constructor(_target: experimental.GrpcUri, listener: experimental.ResolverListener, options: ChannelOptions) {
    this.#listener = listener;
    this.#context = contextOf(options);
  }

  static getDefaultAuthority(target: experimental.GrpcUri): string {
    return target.path;
  }

  updateResolution(): void {
    this.#unsubscribe ??= this.#context.feed.subscribe(() => this.#push());
    this.#push();
  }

  destroy(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  /** Deferred, as the listener must not be called from within a call of the channel; several changes at once make one. */
  #push(): void {
    if (this.#isPushing) return;
    this.#isPushing = true;
    this.#context.runtime.timers.defer(() => {
      this.#isPushing = false;
      if (this.#unsubscribe !== undefined) this.#tell();
    });
  }

  #tell(): void {
    const { feed, query } = this.#context;
    // What is known is used, however old: whether an instance answers is seen by calling it.
    const failure = feed.hasList ? undefined : (feed.fatal ?? feed.lastFailure);
    if (failure !== undefined) {
      const details = `the registry does not answer: ${String(failure)}`;
      const error = { code: status.UNAVAILABLE, details, metadata: new Metadata() };
      this.#listener(experimental.statusOrFromError(error), {}, null, '');
      return;
    }
    if (!feed.hasList) return;
    const { name, instances } = feed.list(query);
    const known = instances.flatMap((instance): ResolvedInstance[] => {
      const address = parseAddress(instance.address);
      return address === undefined ? [] : [{ instance, endpoint: { addresses: [address] } }];
    });
    const endpoints = experimental.statusOrFromValue(known.map(({ endpoint }) => endpoint));
    this.#listener(endpoints, { [instancesOption]: known }, null, `${instances.length} instances of ${name}`);
  }
}
