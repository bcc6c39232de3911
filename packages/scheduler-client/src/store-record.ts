import { metapb } from '@flotilla/protocol';
import { SchedulerError } from './scheduler-error.ts';

/**
 * A store as it is after it was put again. A store puts itself at each start as `Up`, which must not undo what an
 * operator decided; so the state only ever moves on, from Up over Offline to Tombstone.
 *
 * @throws {SchedulerError} with code `storeTombstone` when the store was removed for good.
 */
export function mergeStore(known: metapb.Store | undefined, put: metapb.Store): metapb.Store {
  if (known === undefined) return put;
  refuseTombstone(known);
  return known.state > put.state ? { ...put, state: known.state } : put;
}

/** @throws {SchedulerError} with code `storeTombstone`. */
export function refuseTombstone(store: metapb.Store): void {
  if (store.state === metapb.StoreState.Tombstone) {
    throw new SchedulerError('storeTombstone', `store ${store.id} was removed from the cluster`);
  }
}
