import type { Runtime } from '@flotilla/runtime';
import { credentials } from '@grpc/grpc-js';
import { throwIfCancelled } from '../../cancellation.ts';
import { ValidationError } from '../../coordination-error.ts';
import type { FeedPool } from '../feed-pool.ts';
import type { ConnectionOptions } from '../service-registry.ts';
import { createMemberPicker, LoadBalanceStrategy } from './balancing-strategy.ts';
import { defaultOutlierRules, OutlierDetector } from './outlier-detector.ts';
import { ServiceChannel } from './service-channel.ts';

/** The channels of one registry. */
export class ServiceChannels {
  readonly #feeds: FeedPool;
  readonly #runtime: Runtime;
  readonly #channels = new Set<ServiceChannel>();
  #opened = 0;

  constructor(feeds: FeedPool, runtime: Runtime) {
    this.#feeds = feeds;
    this.#runtime = runtime;
  }

  /** @throws {ValidationError} with code `validation` for a strategy that is none. */
  open(name: string, strategy: LoadBalanceStrategy, options: ConnectionOptions): ServiceChannel {
    const { signal, query = {}, zone, stickyHeader = 'x-sticky-key', outliers = {}, channelOptions = {} } = options;
    throwIfCancelled(signal, 'connecting to a service');
    if (!Object.values(LoadBalanceStrategy).includes(strategy)) {
      throw new ValidationError(`strategy: must be one of ${Object.values(LoadBalanceStrategy).join(', ')}`);
    }
    const { clock, random } = this.#runtime;
    this.#opened += 1;
    const picker = createMemberPicker(strategy, random.fork(`channel ${this.#opened} of ${name}`));
    const detector = new OutlierDetector({ ...defaultOutlierRules, ...outliers }, clock);
    const { feed, release } = this.#feeds.use(name);
    const close = (): void => channel.close();
    const channel: ServiceChannel = new ServiceChannel({
      name,
      strategy,
      context: { feed, query, runtime: this.#runtime, picker, detector, zone, stickyHeader },
      credentials: options.credentials ?? credentials.createInsecure(),
      channelOptions,
      onClose: () => {
        signal?.removeEventListener('abort', close);
        this.#channels.delete(channel);
        release();
      },
    });
    this.#channels.add(channel);
    signal?.addEventListener('abort', close, { once: true });
    return channel;
  }

  close(): void {
    for (const channel of [...this.#channels]) channel.close();
  }
}
