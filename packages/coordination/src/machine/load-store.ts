import { coordinationpb, mvccpb } from '@flotilla/protocol';
import type { MachineReader } from '@flotilla/raftstore';
import { assert } from '@flotilla/runtime';
import { KeyIndex, textOf, type Version } from './key-index.ts';
import { LeaseTable } from './lease-table.ts';
import { initialRevision, MvccStore } from './mvcc-store.ts';
import { PurgeQueue } from './purge-queue.ts';
import { machineRange, parseRecordKey, type RecordPlace } from './record-key.ts';

/** What a scan of the machine's records builds up. */
class LoadedRecords {
  readonly index = new KeyIndex();
  readonly leases = new LeaseTable();
  readonly purgeQueue = new PurgeQueue();
  revision = initialRevision;
  state = coordinationpb.MachineRecord.create();
  hasState = false;

  add(key: Uint8Array, value: Uint8Array): void {
    const parsed = parseRecordKey(key);
    assert(parsed !== undefined, 'the region of the coordination machine has a key that is not its own', {
      length: key.length,
    });
    switch (parsed.type) {
      case 'revision':
        this.#addVersion(parsed, mvccpb.KeyValue.decode(value));
        break;
      case 'lease': {
        const lease = coordinationpb.LeaseRecord.decode(value);
        this.leases.add(lease.id, Number(lease.ttl), lease.grantIndex);
        break;
      }
      case 'state':
        this.state = coordinationpb.MachineRecord.decode(value);
        this.hasState = true;
    }
  }

  /** In the order of the history, as the records are. */
  #addVersion(place: RecordPlace, kv: mvccpb.KeyValue): void {
    const history = this.index.getOrMake(textOf(kv.key));
    const previous = history.isEmpty ? undefined : history.last;
    const version: Version = {
      revision: place.revision,
      sub: place.sub,
      createRevision: Number(kv.createRevision),
      version: Number(kv.version),
      lease: kv.lease,
      record: undefined,
    };
    if (previous !== undefined) this.leases.detach(previous.lease, history.key);
    this.leases.attach(version.lease, history.key);
    history.add(version);
    this.purgeQueue.add(history, version, previous);
    this.revision = place.revision;
  }
}

/**
 * Builds the state from the machine's records: one pass, in key order, which is leases, then the history, then the rest.
 *
 * @throws {InvariantError} for records that the machine cannot have written.
 */
export async function loadStore(reader: MachineReader, recentBytes: number): Promise<MvccStore> {
  const loaded = new LoadedRecords();
  for await (const pairs of reader.iterate(machineRange)) {
    for (const { key, value } of pairs) loaded.add(key, value);
  }
  return new MvccStore({
    reader,
    recentBytes,
    revision: loaded.revision,
    compactRevision: Number(loaded.state.compactRevision),
    ...(loaded.hasState ? { minLeaseTtlSeconds: Number(loaded.state.minLeaseTtl) } : {}),
    index: loaded.index,
    purgeQueue: loaded.purgeQueue,
    leases: loaded.leases,
  });
}
