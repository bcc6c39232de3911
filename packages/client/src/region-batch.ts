import { flotillapb, type metapb } from '@flotilla/protocol';
import type { CallOptions } from './call-deadline.ts';
import { ClientError, InvalidArgumentError, OutcomeUnknownError, RejectedError } from './client-error.ts';
import type { RawClientConfig } from './config.ts';
import type { RegionCaller } from './region-call.ts';
import type { RegionDirectory } from './region-directory.ts';

/** A put, or without a value a delete. */
export interface Write {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

/** What batches are sent with. */
export interface RegionBatcherOptions {
  readonly caller: RegionCaller;
  readonly directory: RegionDirectory;
  readonly config: RawClientConfig;
}

/** What batches take beside their writes. */
export interface BatchWriteOptions extends CallOptions {
  readonly columnFamily?: string | undefined;
}

/** A write of a batch and what became of it. */
interface TrackedWrite {
  readonly write: flotillapb.RawWrite;
  result: 'open' | 'written' | ClientError;
  /** It was sent, its outcome is unknown, and it was left out when the rest was sent again. */
  isInDoubt: boolean;
}

/**
 * Writes batches: one call for each region that holds some of a batch's keys, all of which that region writes at once or not
 * at all.
 *
 * Invariant: writes of one key are sent in their order, and never two calls with the same key at once.
 */
export class RegionBatcher {
  readonly #options: RegionBatcherOptions;

  constructor(options: RegionBatcherOptions) {
    this.#options = options;
  }

  /**
   * How each write ended, in their order; `undefined` stands for success. The batch's number of writes and bytes must be within
   * what a store takes in one request.
   */
  async write(writes: readonly Write[], options: BatchWriteOptions): Promise<(ClientError | undefined)[]> {
    const { Put, Delete } = flotillapb.RawWriteOp;
    const tracked = writes.map(({ key, value }): TrackedWrite => {
      const write = flotillapb.RawWrite.create({
        op: value === undefined ? Delete : Put,
        key,
        ...(value && { value }),
      });
      return { write, result: 'open', isInDoubt: false };
    });
    await Promise.all(this.#groupByRegion(tracked).map((group) => this.#writeGroup(group, options)));
    return tracked.map(({ result }) => (result instanceof ClientError ? result : undefined));
  }

  /** By the regions as they are known; a guess that only decides what is written side by side. */
  #groupByRegion(tracked: readonly TrackedWrite[]): TrackedWrite[][] {
    const { cache } = this.#options.directory;
    const groups = new Map<number, TrackedWrite[]>();
    for (const one of tracked) {
      const regionId = cache.find(one.write.key)?.region.id ?? 0;
      const group = groups.get(regionId);
      if (group === undefined) groups.set(regionId, [one]);
      else group.push(one);
    }
    return [...groups.values()];
  }

  async #writeGroup(group: readonly TrackedWrite[], options: BatchWriteOptions): Promise<void> {
    let most = group.length;
    for (let open = group; open.length > 0; open = open.filter(({ result }) => result === 'open')) {
      const { sent, error } = await this.#callRegion(open, most, options);
      // One bad write has the whole batch refused: halves find it, so that the others need not fail with it.
      if (error instanceof InvalidArgumentError && sent.length > 1) {
        most = Math.floor(sent.length / 2);
        continue;
      }
      if (error instanceof InvalidArgumentError) most = group.length;
      // Nothing was sent when the region was not found: none of what is left could be.
      for (const one of error !== undefined && sent.length === 0 ? open : sent) {
        one.result = error === undefined ? 'written' : failureOf(one, error);
      }
    }
  }

  /**
   * Calls the region of the first open write with as many of the open ones, up to `most`, as it holds. What it holds is looked
   * at again for each attempt: after a split fewer writes go along, and the others wait for the next call.
   */
  async #callRegion(
    open: readonly TrackedWrite[],
    most: number,
    options: BatchWriteOptions,
  ): Promise<{ readonly sent: readonly TrackedWrite[]; readonly error?: ClientError }> {
    const { caller, config } = this.#options;
    const attempted = new Set<TrackedWrite>();
    let sent: readonly TrackedWrite[] = [];
    const build = (context: flotillapb.RawBatchWriteRequest['context'], region: metapb.Region) => {
      sent = open.filter(({ write }) => isKeyInRegion(write.key, region)).slice(0, most);
      if (config.retryUnknownWrites) for (const one of sent) attempted.add(one);
      const writes = sent.map(({ write }) => write);
      return flotillapb.RawBatchWriteRequest.create({ context, cf: options.columnFamily ?? '', writes });
    };
    const [{ write: first }] = open as [TrackedWrite];
    const method = flotillapb.RawBatch.rawBatchWrite;
    try {
      const { response } = await caller.call({ name: 'batch', key: first.key, isWrite: true, method, build }, options);
      if (response.error !== '') throw new RejectedError(`batch: ${response.error}`);
      return { sent };
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      return { sent, error };
    } finally {
      for (const one of sent) attempted.delete(one);
      for (const one of attempted) one.isInDoubt = true;
    }
  }
}

/** A failure that promises no effect is no comfort for a write that an earlier attempt has left in doubt. */
function failureOf({ isInDoubt }: TrackedWrite, error: ClientError): ClientError {
  if (!isInDoubt || error instanceof OutcomeUnknownError) return error;
  const text = 'batch: sent before its region was split, and no answer came; it may or may not have taken effect';
  return new OutcomeUnknownError(text, { cause: error });
}

function isKeyInRegion(key: Uint8Array, { startKey, endKey }: metapb.Region): boolean {
  const isBeforeEnd = endKey.length === 0 || Buffer.compare(key, endKey) < 0;
  return isBeforeEnd && (startKey.length === 0 || Buffer.compare(key, startKey) >= 0);
}
