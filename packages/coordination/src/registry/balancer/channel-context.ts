import type { Runtime } from '@flotilla/runtime';
import type { experimental } from '@grpc/grpc-js';
import type { ServiceFeed } from '../service-feed.ts';
import type { ServiceInfo, ServiceQuery } from '../service-info.ts';
import type { MemberPicker } from './member.ts';
import type { OutlierDetector } from './outlier-detector.ts';

/** What the resolver and the balancer of one channel share; it travels in the channel's options. */
export interface ChannelContext {
  readonly feed: ServiceFeed;
  readonly query: ServiceQuery;
  readonly runtime: Runtime;
  readonly picker: MemberPicker;
  readonly detector: OutlierDetector;
  /** The zone whose instances are preferred, by their metadata `zone`. */
  readonly zone: string | undefined;
  /** The request header that holds the sticky key. */
  readonly stickyHeader: string;
}

/**
 * The channel option that holds the context. grpc-js keeps options that begin so away from connections, which would otherwise
 * not be shared between two channels.
 */
export const contextOption = 'grpc.internal.no_subchannel.flotilla_context';
/** The attribute that holds the instances that the resolver found. */
export const instancesOption = 'grpc.internal.no_subchannel.flotilla_instances';

/** The context as it is put into the options: tracing writes options as JSON, which has to leave it out. */
export class ContextCarrier {
  readonly context: ChannelContext;

  constructor(context: ChannelContext) {
    this.context = context;
  }

  toJSON(): string {
    return 'flotilla';
  }
}

/** @throws {TypeError} when the channel was not made by a service registry. */
export function contextOf(options: { readonly [key: string]: unknown }): ChannelContext {
  const carrier = options[contextOption];
  if (carrier instanceof ContextCarrier) return carrier.context;
  throw new TypeError('channels of services are made by a service registry');
}

/** An instance and where it can be reached. */
export interface ResolvedInstance {
  readonly instance: ServiceInfo;
  readonly endpoint: experimental.Endpoint;
}

/** What the resolver found last. */
export function instancesOf(options: { readonly [key: string]: unknown }): readonly ResolvedInstance[] {
  return (options[instancesOption] as readonly ResolvedInstance[] | undefined) ?? [];
}
