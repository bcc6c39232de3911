import type { Runtime } from '@flotilla/runtime';
import type {
  IDeleteRangeResponse,
  ILeaseGrantResponse,
  ILeaseLeasesResponse,
  ILeaseTimeToLiveResponse,
  IPutResponse,
  IRangeResponse,
  ITxnResponse,
  IWatchRequest,
  IWatchResponse,
} from 'etcd3';
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
import { keepAliveCall, unaryCall } from './etcd-call.ts';
import { EtcdConnection } from './etcd-connection.ts';
import { type EtcdBackendOptions, type EtcdLocation, etcdSettings } from './etcd-options.ts';
import {
  deleteRequest,
  isReadOnly,
  putRequest,
  rangeRequest,
  transactionRequest,
  watchCreateRequest,
  wireInteger,
} from './etcd-request.ts';
import { deleteResult, putResult, rangeResult, transactionResult } from './etcd-response.ts';
import { EtcdWatch } from './etcd-watch.ts';
import { EtcdWatchStream } from './etcd-watch-stream.ts';

const once = { repeatable: false } as const;
const repeatable = { repeatable: true } as const;
/** A key to ask a quorum for; what it holds is of no interest. */
const anyKey = new TextEncoder().encode('health');

/**
 * A backend on an etcd cluster of version 3.4 or later. Connects when it is first used; `ping` finds out whether that works.
 *
 * @throws {BackendError} `invalidArgument` for options that cannot be used.
 */
export function openEtcdBackend(options: EtcdBackendOptions): CoordinationBackend {
  const { runtime, ...location } = options;
  return new EtcdBackend(location, runtime);
}

class EtcdBackend implements CoordinationBackend {
  readonly name: string;
  readonly #location: EtcdLocation;
  readonly #connection: EtcdConnection;
  readonly #watches = new Set<EtcdWatch>();

  constructor(location: EtcdLocation, runtime: Runtime) {
    const settings = etcdSettings(location);
    this.name = `etcd ${settings.addresses.join(',')}`;
    this.#location = location;
    this.#connection = new EtcdConnection(settings, runtime);
  }

  /** Holds the password; on the prototype, so that whoever logs the backend does not log it. */
  get location(): BackendLocation {
    return { type: 'etcd', options: this.#location };
  }

  async range(request: RangeRequest, options?: CallOptions): Promise<RangeResult> {
    const traits = { repeatable: true, leaderless: request.serializable === true };
    const call = unaryCall<IRangeResponse>('KV', 'range', rangeRequest(request), traits);
    return rangeResult(await this.#withCompactRevision(this.#connection.call(call, options), request.key));
  }

  async put(request: PutRequest, options?: CallOptions): Promise<PutResult> {
    if (request.keepValue === true && request.value !== undefined) throw invalid('keepValue goes without a value');
    if (request.keepLease === true && (request.leaseId ?? 0n) !== 0n) throw invalid('keepLease goes without a lease');
    return putResult(
      await this.#connection.call(unaryCall<IPutResponse>('KV', 'put', putRequest(request), once), options),
    );
  }

  async delete(request: DeleteRequest, options?: CallOptions): Promise<DeleteResult> {
    const call = unaryCall<IDeleteRangeResponse>('KV', 'deleteRange', deleteRequest(request), once);
    return deleteResult(await this.#connection.call(call, options));
  }

  async transact(request: TransactionRequest, options?: CallOptions): Promise<TransactionResult> {
    const traits = { repeatable: isReadOnly(request) };
    const call = unaryCall<ITxnResponse>('KV', 'txn', transactionRequest(request), traits);
    return transactionResult(await this.#withCompactRevision(this.#connection.call(call, options), anyKey));
  }

  async compact(revision: bigint, options?: CallOptions): Promise<void> {
    const request = { revision: wireInteger(revision), physical: false };
    await this.#withCompactRevision(
      this.#connection.call(unaryCall<unknown>('KV', 'compact', request, once), options),
      anyKey,
    );
  }

  async grantLease({ ttlMs, leaseId }: LeaseRequest, options?: CallOptions): Promise<LeaseGrant> {
    if (!(ttlMs >= 1)) throw invalid('ttlMs: must be at least 1');
    if (leaseId !== undefined && leaseId <= 0n) throw invalid('leaseId: must be above 0');
    const request = { TTL: Math.ceil(ttlMs / 1000).toString(), ID: wireInteger(leaseId) };
    const response = await this.#connection.call(
      unaryCall<ILeaseGrantResponse>('Lease', 'leaseGrant', request, once),
      options,
    );
    return {
      leaseId: BigInt(response.ID),
      ttlMs: Number(response.TTL) * 1000,
      revision: BigInt(response.header.revision),
    };
  }

  async keepLeaseAlive(leaseId: bigint, options?: CallOptions): Promise<number> {
    const response = await this.#connection.call(keepAliveCall(leaseId), options);
    const seconds = Number(response.TTL);
    if (seconds <= 0) throw leaseNotFound(leaseId);
    return seconds * 1000;
  }

  async revokeLease(leaseId: bigint, options?: CallOptions): Promise<void> {
    const request = { ID: wireInteger(leaseId) };
    await this.#connection.call(unaryCall<unknown>('Lease', 'leaseRevoke', request, once), options);
  }

  async leaseStatus(leaseId: bigint, options?: CallOptions & { readonly keys?: boolean }): Promise<LeaseStatus> {
    const request = { ID: wireInteger(leaseId), keys: options?.keys === true };
    const call = unaryCall<ILeaseTimeToLiveResponse>('Lease', 'leaseTimeToLive', request, repeatable);
    const response = await this.#connection.call(call, options);
    const seconds = Number(response.TTL);
    if (seconds < 0) throw leaseNotFound(leaseId);
    return {
      leaseId,
      grantedTtlMs: Number(response.grantedTTL) * 1000,
      remainingMs: seconds * 1000,
      keys: response.keys.map((key) => new Uint8Array(key)),
    };
  }

  async leases(options?: CallOptions): Promise<readonly bigint[]> {
    const response = await this.#connection.call(
      unaryCall<ILeaseLeasesResponse>('Lease', 'leaseLeases', {}, repeatable),
      options,
    );
    return response.leases.map((lease) => BigInt(lease.ID));
  }

  watch(request: WatchRequest, options?: { readonly signal?: AbortSignal | undefined }): Watch {
    const watch = new EtcdWatch(this.#connection, request, options?.signal, (signal) =>
      this.#currentRevision(request.key, signal),
    );
    this.#watches.add(watch);
    void watch.ended.then(() => this.#watches.delete(watch));
    return watch;
  }

  async ping(options?: CallOptions): Promise<void> {
    try {
      await this.#connection.call(
        unaryCall('KV', 'range', rangeRequest({ key: anyKey, countOnly: true }), repeatable),
        options,
      );
    } catch (error) {
      // A quorum has agreed that this user may not read it.
      if (!(error instanceof BackendError && error.code === 'permissionDenied')) throw error;
    }
  }

  async close(): Promise<void> {
    this.#connection.close();
    await Promise.all([...this.#watches].map((watch) => watch.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #currentRevision(key: Uint8Array, signal: AbortSignal): Promise<bigint> {
    return (await this.range({ key, countOnly: true }, { signal })).revision;
  }

  /** etcd says that a revision is compacted, but not up to where; a watch from the beginning is told. */
  async #withCompactRevision<Response>(response: Promise<Response>, key: Uint8Array): Promise<Response> {
    try {
      return await response;
    } catch (error) {
      if (!(error instanceof BackendError) || error.code !== 'compacted') throw error;
      const revision = await this.#compactRevision(key).catch(() => undefined);
      if (revision === undefined) throw error;
      throw new BackendError('compacted', error.message, { cause: error.cause, revision });
    }
  }

  async #compactRevision(key: Uint8Array): Promise<bigint | undefined> {
    const opened = await this.#connection.openStream<IWatchRequest, IWatchResponse>('Watch', 'watch');
    const stream = new EtcdWatchStream(opened, this.#connection.runtime);
    try {
      stream.send({ create_request: watchCreateRequest({ key }, 1n) });
      for (;;) {
        const received = await stream.receive(this.#connection.settings.requestTimeoutMs, this.#connection.closing);
        if (typeof received === 'string') return undefined;
        if (received.canceled) {
          const revision = BigInt(received.compact_revision);
          return revision > 0n ? revision : undefined;
        }
      }
    } finally {
      stream.close();
    }
  }
}

function invalid(message: string): BackendError {
  return new BackendError('invalidArgument', message);
}

function leaseNotFound(leaseId: bigint): BackendError {
  return new BackendError('leaseNotFound', `lease ${leaseId.toString(16)} is not there`);
}
