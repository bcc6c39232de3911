import { createRawClient, type RawClient, type RawClientConfig } from '@flotilla/client';
import type { SimulatedRuntime } from '@flotilla/runtime';
import type { SchedulerClient } from '@flotilla/scheduler-client';
import type { InProcessChannels } from './in-process-channels.ts';

/** What a simulated client is made of. */
export interface SimulatedClientOptions {
  readonly runtime: SimulatedRuntime;
  readonly schedulerClient: SchedulerClient;
  readonly channels: InProcessChannels;
  readonly config?: Partial<RawClientConfig> | undefined;
}

/** One pair with its key and value as text. */
export interface TextPair {
  readonly key: string;
  readonly value: string;
}

/**
 * The real routing client inside a simulated world, with texts for keys and values. Its calls settle while somebody runs the
 * world, and reject with a `ClientError` as `raw` does.
 */
export class SimulatedClient {
  readonly raw: RawClient;
  readonly runtime: SimulatedRuntime;

  constructor({ runtime, schedulerClient, channels, config = {} }: SimulatedClientOptions) {
    this.runtime = runtime;
    // Tests look at keys in stores, and split regions at them.
    const settings = { keyPrefix: '', requestTimeoutMs: 10_000, attemptTimeoutMs: 1_000, retryMaxMs: 100, ...config };
    this.raw = createRawClient({ schedulerClient, runtime, channels, config: settings });
  }

  put(key: string, value: string): Promise<void> {
    return this.raw.put(Buffer.from(key), Buffer.from(value));
  }

  async get(key: string): Promise<string | undefined> {
    const value = await this.raw.get(Buffer.from(key));
    return value === undefined ? undefined : Buffer.from(value).toString();
  }

  delete(key: string): Promise<void> {
    return this.raw.delete(Buffer.from(key));
  }

  /** Pairs from `start` to before `end`, over all regions; an empty end is the end of all keys. */
  async scan(start = '', end = ''): Promise<TextPair[]> {
    const pairs: TextPair[] = [];
    for await (const page of this.raw.scanPages({ start: Buffer.from(start), end: Buffer.from(end) })) {
      for (const { key, value } of page) {
        pairs.push({ key: Buffer.from(key).toString(), value: Buffer.from(value).toString() });
      }
    }
    return pairs;
  }

  close(): Promise<void> {
    return this.raw.close();
  }
}
