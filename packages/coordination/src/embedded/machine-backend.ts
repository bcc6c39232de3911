import { coordinationpb } from '@flotilla/protocol';
import type { Runtime } from '@flotilla/runtime';
import { BackendError } from '../backend/backend-error.ts';
import type {
  BackendLocation,
  CallOptions,
  CoordinationBackend,
  LeaseGrant,
  LeaseRequest,
  LeaseStatus,
} from '../backend/coordination-backend.ts';
import type {
  DeleteRequest,
  DeleteResult,
  PutRequest,
  PutResult,
  RangeRequest,
  RangeResult,
  TransactionRequest,
  TransactionResult,
} from '../backend/transaction.ts';
import type { Watch, WatchRequest } from '../backend/watch.ts';
import { MachineCaller } from './machine-caller.ts';
import type { MachineChannel } from './machine-channel.ts';
import {
  fromWireDelete,
  fromWirePut,
  fromWireRange,
  fromWireTransaction,
  isReadOnlyTransaction,
  plainBytes,
  toWireDelete,
  toWirePut,
  toWireRangeRequest,
  toWireTransaction,
} from './machine-message.ts';
import { MachineWatch } from './machine-watch.ts';

/** What a backend over a channel needs. */
export interface MachineBackendOptions {
  readonly name: string;
  readonly location: BackendLocation;
  readonly runtime: Runtime;
  /** Of calls that give none; 5,000 ms by default. */
  readonly timeoutMs?: number | undefined;
  /** A watch that hears nothing for this long takes its connection for dead; 15,000 ms by default, three progress intervals. */
  readonly watchSilenceMs?: number | undefined;
}

/** The contract of backends over a coordination machine. Owns the channel. */
export class MachineBackend implements CoordinationBackend {
  readonly name: string;
  readonly location: BackendLocation;
  readonly #channel: MachineChannel;
  readonly #caller: MachineCaller;
  readonly #runtime: Runtime;
  readonly #watchSilenceMs: number;
  readonly #watches = new Set<MachineWatch>();
  #isClosed = false;

  constructor(channel: MachineChannel, options: MachineBackendOptions) {
    this.name = options.name;
    this.location = options.location;
    this.#channel = channel;
    this.#runtime = options.runtime;
    this.#caller = new MachineCaller(channel, options.runtime, options.timeoutMs ?? 5_000);
    this.#watchSilenceMs = options.watchSilenceMs ?? 15_000;
  }

  async range(request: RangeRequest, options: CallOptions = {}): Promise<RangeResult> {
    const kind = request.serializable === true ? 'anyReplicaRead' : 'read';
    return fromWireRange(await this.#caller.query('range', toWireRangeRequest(request), options, kind));
  }

  async put(request: PutRequest, options: CallOptions = {}): Promise<PutResult> {
    return fromWirePut(await this.#caller.command('put', toWirePut(request), options));
  }

  async delete(request: DeleteRequest, options: CallOptions = {}): Promise<DeleteResult> {
    return fromWireDelete(await this.#caller.command('deleteRange', toWireDelete(request), options));
  }

  async transact(request: TransactionRequest, options: CallOptions = {}): Promise<TransactionResult> {
    const txn = toWireTransaction(request);
    const response = isReadOnlyTransaction(request)
      ? await this.#caller.query('txn', txn, options)
      : await this.#caller.command('txn', txn, options);
    return fromWireTransaction(response);
  }

  async compact(revision: bigint, options: CallOptions = {}): Promise<void> {
    await this.#caller.command('compact', { revision, physical: false }, options);
  }

  async grantLease(request: LeaseRequest, options: CallOptions = {}): Promise<LeaseGrant> {
    const { ttlMs, leaseId } = request;
    if (!(ttlMs >= 1) || (leaseId !== undefined && leaseId <= 0n)) {
      throw new BackendError('invalidArgument', 'a lease lasts 1 ms at least, and its id is above 0');
    }
    const grant = { TTL: BigInt(Math.ceil(ttlMs / 1_000)), ID: leaseId ?? this.#randomId() };
    const { header, ID, TTL } = await this.#caller.command('leaseGrant', grant, options);
    return { leaseId: ID, ttlMs: Number(TTL) * 1_000, revision: header?.revision ?? 0n };
  }

  async keepLeaseAlive(leaseId: bigint, options: CallOptions = {}): Promise<number> {
    const { TTL } = await this.#caller.query('leaseKeepAlive', { ID: leaseId }, options);
    if (TTL <= 0n) throw leaseNotFound();
    return Number(TTL) * 1_000;
  }

  async revokeLease(leaseId: bigint, options: CallOptions = {}): Promise<void> {
    await this.#caller.command('leaseRevoke', { ID: leaseId }, options);
  }

  async leaseStatus(leaseId: bigint, options: CallOptions & { readonly keys?: boolean } = {}): Promise<LeaseStatus> {
    const request = coordinationpb.Query.create({ leaseTimeToLive: { ID: leaseId, keys: options.keys ?? false } });
    const { leaseTimeToLive, remainingMs } = await this.#caller.ask(request, options);
    if (leaseTimeToLive === undefined || leaseTimeToLive.TTL < 0n) throw leaseNotFound();
    const { grantedTTL, keys } = leaseTimeToLive;
    return { leaseId, grantedTtlMs: Number(grantedTTL) * 1_000, remainingMs, keys: keys.map(plainBytes) };
  }

  async leases(options: CallOptions = {}): Promise<readonly bigint[]> {
    const { leases } = await this.#caller.query('leaseLeases', {}, options);
    return leases.map(({ ID }) => ID);
  }

  watch(request: WatchRequest, options: { readonly signal?: AbortSignal | undefined } = {}): Watch {
    let isEnded = false;
    const watch: MachineWatch = new MachineWatch(request, {
      channel: this.#channel,
      caller: this.#caller,
      runtime: this.#runtime,
      watchId: this.#randomId(),
      silenceMs: this.#watchSilenceMs,
      signal: options.signal,
      ended: () => {
        // It may end while it is made, by a signal that has aborted.
        isEnded = true;
        queueMicrotask(() => this.#watches.delete(watch));
      },
    });
    if (this.#isClosed) void watch.close();
    else if (!isEnded) this.#watches.add(watch);
    return watch;
  }

  async ping(options: CallOptions = {}): Promise<void> {
    await this.#caller.revision(options);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#caller.close();
    await Promise.all([...this.#watches].map((watch) => watch.close()));
    await this.#channel.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Above 0, of 62 bits. */
  #randomId(): bigint {
    const { random } = this.#runtime;
    return (BigInt(random.integer(0, 2 ** 31)) << 31n) + BigInt(random.integer(1, 2 ** 31));
  }
}

function leaseNotFound(): BackendError {
  return new BackendError('leaseNotFound', 'there is no such lease');
}
