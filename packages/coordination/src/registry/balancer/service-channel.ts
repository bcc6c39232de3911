import { Channel, type ChannelCredentials, type ChannelOptions, experimental } from '@grpc/grpc-js';
import type { LoadBalanceStrategy } from './balancing-strategy.ts';
import { type ChannelContext, ContextCarrier, contextOption } from './channel-context.ts';
import { ServiceBalancer, ServiceBalancingConfig, serviceBalancing } from './service-balancer.ts';
import { ServiceResolver, serviceScheme } from './service-resolver.ts';

/** What a channel is made of. */
export interface ServiceChannelOptions {
  readonly name: string;
  readonly strategy: LoadBalanceStrategy;
  readonly context: ChannelContext;
  readonly credentials: ChannelCredentials;
  readonly channelOptions: ChannelOptions;
  readonly onClose: () => void;
}

/**
 * A gRPC channel to a service: give it to a client as `channelOverride`. It follows the registry, and balances each call.
 *
 * The service's name is the authority of its calls, and the name that a certificate has to have, unless the channel options
 * `grpc.default_authority` and `grpc.ssl_target_name_override` say otherwise.
 */
export class ServiceChannel extends Channel implements AsyncDisposable {
  readonly service: string;
  readonly strategy: LoadBalanceStrategy;
  readonly #onClose: () => void;
  #isClosed = false;

  constructor(options: ServiceChannelOptions) {
    const { name, strategy, context, credentials, channelOptions, onClose } = options;
    register();
    super(`${serviceScheme}:${encodeURIComponent(name)}`, credentials, {
      'grpc.enable_http_proxy': 0,
      ...channelOptions,
      'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ [serviceBalancing]: {} }] }),
      'grpc.service_config_disable_resolution': 1,
      [contextOption]: new ContextCarrier(context),
    });
    this.service = name;
    this.strategy = strategy;
    this.#onClose = onClose;
  }

  /** Ends the channel: calls that have not ended fail. Idempotent. */
  override close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    super.close();
    this.#onClose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

/** Makes scheme and balancer known to grpc-js, which keeps one table of each for the process. */
function register(): void {
  if (experimental.isLoadBalancerNameRegistered(serviceBalancing)) return;
  experimental.registerResolver(serviceScheme, ServiceResolver);
  experimental.registerLoadBalancerType(serviceBalancing, ServiceBalancer, ServiceBalancingConfig);
}
