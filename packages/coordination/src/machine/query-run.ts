import { coordinationpb, type etcdserverpb } from '@flotilla/protocol';
import type { Lessor } from './lessor.ts';
import { MachineError } from './machine-error.ts';
import type { MvccStore } from './mvcc-store.ts';
import { headerOf, readRange } from './range-read.ts';
import { checkRange, checkTransaction, isReadOnly } from './request-check.ts';
import { planTransaction, readTransaction } from './transaction-run.ts';
import type { WatchHub } from './watch-hub.ts';

/** What a query is answered from. */
export interface QuerySource {
  readonly store: MvccStore;
  /** `undefined` when the replica does not lead. */
  readonly lessor: Lessor | undefined;
  readonly watches: WatchHub;
}

const { create } = coordinationpb.Answer;

/** Answers a decoded query. @throws {MachineError} when it is refused. */
export function runQuery(source: QuerySource, query: coordinationpb.Query): coordinationpb.Answer {
  const { range, txn, leaseTimeToLive, leaseKeepAlive, leaseLeases, watchProgress } = query;
  const { store } = source;
  if (range !== undefined) {
    checkRange(range);
    return create({ range: readRange(store, range, store.revision) });
  }
  if (txn !== undefined) {
    checkTransaction(txn);
    if (!isReadOnly(txn))
      throw new MachineError('InvalidArgument', { detail: 'a transaction that writes is no query' });
    return create({ txn: readTransaction(store, planTransaction(store, txn)) });
  }
  if (leaseKeepAlive !== undefined) return keepAlive(source, leaseKeepAlive);
  if (leaseTimeToLive !== undefined) return timeToLive(source, leaseTimeToLive);
  if (leaseLeases !== undefined) return leases(source);
  if (watchProgress !== undefined) {
    const found = source.watches.requestProgress(watchProgress.watchId);
    return create({ watchProgress: { header: headerOf(store.revision), found } });
  }
  throw new MachineError('Malformed');
}

function keepAlive({ store, lessor }: QuerySource, request: etcdserverpb.LeaseKeepAliveRequest): coordinationpb.Answer {
  if (lessor === undefined) throw new MachineError('NotLeader');
  const lease = store.leases.get(request.ID);
  if (lease !== undefined && !lessor.keepAlive(lease)) throw new MachineError('LeaseExpiring');
  const TTL = BigInt(lease?.ttlSeconds ?? 0);
  return create({ leaseKeepAlive: { header: headerOf(store.revision), ID: request.ID, TTL } });
}

function timeToLive(
  { store, lessor }: QuerySource,
  request: etcdserverpb.LeaseTimeToLiveRequest,
): coordinationpb.Answer {
  if (lessor === undefined) throw new MachineError('NotLeader');
  const header = headerOf(store.revision);
  const lease = store.leases.get(request.ID);
  if (lease === undefined) {
    return create({ leaseTimeToLive: { header, ID: request.ID, TTL: -1n, grantedTTL: 0n, keys: [] } });
  }
  const remainingMs = Math.floor(lessor.remainingMs(lease));
  const keys = request.keys ? [...lease.keys].sort().map((key) => Buffer.from(key, 'latin1')) : [];
  const TTL = BigInt(Math.floor(remainingMs / 1_000));
  const leaseTimeToLive = { header, ID: request.ID, TTL, grantedTTL: BigInt(lease.ttlSeconds), keys };
  return create({ leaseTimeToLive, remainingMs });
}

function leases({ store }: QuerySource): coordinationpb.Answer {
  const ids = [...store.leases.all()].map(({ id }) => ({ ID: id }));
  ids.sort((left, right) => (left.ID < right.ID ? -1 : 1));
  return create({ leaseLeases: { header: headerOf(store.revision), leases: ids } });
}
