import { experimental } from '@grpc/grpc-js';
import type { ServiceInfo } from '../service-info.ts';
import type { Member } from './member.ts';

/** What an instance's connection needs of its balancer. */
export interface BalancedInstanceOptions {
  readonly helper: experimental.ChannelControlHelper;
  readonly channelOptions: { readonly [key: string]: unknown };
  readonly endpoint: experimental.Endpoint;
  readonly onStateChange: (error: string | null) => void;
}

/** An instance with its connection and the requests that are under way on it. */
export class BalancedInstance implements Member {
  /** As it stands in the registry; the connection stays when other things than the address change. */
  instance: ServiceInfo;
  readonly leaf: experimental.LeafLoadBalancer;
  /** Requests that were begun and have not ended. */
  #started = 0;
  /** Requests that were given to it and are not begun: some never are, and nobody tells of those. */
  #given = 0;

  constructor(instance: ServiceInfo, { helper, channelOptions, endpoint, onStateChange }: BalancedInstanceOptions) {
    this.instance = instance;
    const child = experimental.createChildChannelControlHelper(helper, {
      updateState: (_state, _picker, error) => onStateChange(error),
    });
    this.leaf = new experimental.LeafLoadBalancer(endpoint, child, { ...channelOptions }, '');
  }

  get outstanding(): number {
    return this.#started + this.#given;
  }

  given(): void {
    this.#given += 1;
  }

  /** What was given to it until now has begun, or never will. */
  settleGiven(): void {
    this.#given = 0;
  }

  started(): void {
    this.#started += 1;
    if (this.#given > 0) this.#given -= 1;
  }

  ended(): void {
    this.#started -= 1;
  }
}
