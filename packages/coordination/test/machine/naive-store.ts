import { coordinationpb, etcdserverpb, type mvccpb } from '@flotilla/protocol';

/** A key as the model holds it, with texts for bytes. */
interface Entry {
  readonly create: number;
  readonly mod: number;
  readonly version: number;
  readonly value: string;
  readonly lease: bigint;
}

/** The store at one revision. */
type Picture = ReadonlyMap<string, Entry>;

/** One change, as a watch would tell it. */
export interface NaiveEvent {
  readonly revision: number;
  readonly key: string;
  /** `undefined` for a deletion. */
  readonly now: Entry | undefined;
  readonly before: Entry | undefined;
}

const { create } = coordinationpb.Answer;
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const bytes = (from: string): Uint8Array => new Uint8Array(Buffer.from(from, 'latin1'));
const { ErrorCode } = coordinationpb;

/** What of a transaction is done. */
interface Path {
  readonly succeeded: boolean;
  readonly operations: readonly etcdserverpb.RequestOp[];
  readonly nested: readonly (Path | undefined)[];
}

class Refusal extends Error {
  readonly code: keyof typeof ErrorCode;

  constructor(code: keyof typeof ErrorCode) {
    super(code);
    this.code = code;
  }
}

/**
 * The machine as its rules read, with a picture of the whole store for every revision: slow, and with nothing in common with the
 * real one but the messages.
 */
export class NaiveStore {
  /** Every key that a range may meet. */
  readonly #universe: readonly string[];
  readonly #pictures: Picture[] = [new Map(), new Map()];
  readonly leases = new Map<bigint, bigint>();
  readonly events: NaiveEvent[] = [];
  compacted = 0;
  #draft: Map<string, Entry> | undefined;

  constructor(universe: readonly string[]) {
    this.#universe = [...universe].sort();
  }

  get revision(): number {
    return this.#pictures.length - 1;
  }

  /** The store as it was at a revision. */
  at(revision: number): Picture {
    return this.#pictures[revision] ?? new Map();
  }

  get latest(): Picture {
    return this.#pictures.at(-1) as Picture;
  }

  /** What a command is answered with; a refusal by its code alone. */
  apply(command: coordinationpb.Command): coordinationpb.Answer | keyof typeof ErrorCode {
    try {
      return this.#run(command);
    } catch (error) {
      if (error instanceof Refusal) return error.code;
      throw error;
    }
  }

  read(request: etcdserverpb.RangeRequest): etcdserverpb.RangeResponse | keyof typeof ErrorCode {
    try {
      if (request.key.length === 0) throw new Refusal('EmptyKey');
      this.#checkRevision(request.revision);
      return this.#range(request, this.revision);
    } catch (error) {
      if (error instanceof Refusal) return error.code;
      throw error;
    }
  }

  #run(command: coordinationpb.Command): coordinationpb.Answer {
    const { put, deleteRange, txn, compact, leaseGrant, leaseRevoke } = command;
    const single = { requestRange: undefined, requestPut: put, requestDeleteRange: deleteRange, requestTxn: undefined };
    if (put !== undefined || deleteRange !== undefined) {
      this.#checkOperation(single, 1);
      // Of a put that stands alone etcd checks the lease first.
      if (put !== undefined) this.#checkLease(put);
      this.#checkNow(single);
      const response = this.#write(() => this.#do(single));
      return create({ put: response.responsePut, deleteRange: response.responseDeleteRange });
    }
    if (txn !== undefined) {
      this.#checkList(txn, 128);
      this.#checkConflicts(txn.success);
      this.#checkConflicts(txn.failure);
      const path = this.#choose(txn);
      return create({ txn: this.#write(() => this.#doTransaction(path)) });
    }
    if (compact !== undefined) {
      if (compact.revision > BigInt(this.revision)) throw new Refusal('FutureRevision');
      if (compact.revision <= BigInt(this.compacted)) throw new Refusal('Compacted');
      this.compacted = Number(compact.revision);
      return create({ compact: { header: this.#header() } });
    }
    if (leaseGrant !== undefined) {
      const { ID, TTL } = leaseGrant;
      if (TTL > 9_000_000_000n) throw new Refusal('LeaseTtlTooLarge');
      if (this.leases.has(ID)) throw new Refusal('LeaseExists');
      const granted = TTL < 2n ? 2n : TTL;
      this.leases.set(ID, granted);
      return create({ leaseGrant: { header: this.#header(), ID, TTL: granted, error: '' } });
    }
    if (leaseRevoke === undefined) throw new Refusal('Malformed');
    if (!this.leases.has(leaseRevoke.ID)) throw new Refusal('LeaseNotFound');
    this.leases.delete(leaseRevoke.ID);
    this.#write(() => {
      for (const [key, { lease }] of this.latest) if (lease === leaseRevoke.ID) this.#draft?.delete(key);
    });
    return create({ leaseRevoke: { header: this.#header() } });
  }

  /** Runs something that changes the draft; a changed draft becomes a revision. */
  #write<T>(run: () => T): T {
    const before = this.latest;
    this.#draft = new Map(before);
    const result = run();
    const after = this.#draft;
    this.#draft = undefined;
    const changed = this.#universe.filter((key) => before.get(key) !== after.get(key));
    if (changed.length === 0) return result;
    this.#pictures.push(after);
    for (const key of changed) {
      this.events.push({ revision: this.revision, key, now: after.get(key), before: before.get(key) });
    }
    return result;
  }

  /** The revision that the draft would have, or the store's. */
  #nowRevision(): number {
    const isChanged = this.#universe.some((key) => this.#draft?.get(key) !== this.latest.get(key));
    return isChanged && this.#draft !== undefined ? this.revision + 1 : this.revision;
  }

  #header(revision = this.#nowRevision()): etcdserverpb.ResponseHeader {
    return { clusterId: 0n, memberId: 0n, revision: BigInt(revision), raftTerm: 0n };
  }

  #keysOf(key: Uint8Array, rangeEnd: Uint8Array): string[] {
    const start = text(key);
    if (rangeEnd.length === 0) return this.#universe.filter((name) => name === start);
    const isOpen = rangeEnd.length === 1 && rangeEnd[0] === 0;
    return this.#universe.filter((name) => name >= start && (isOpen || name < text(rangeEnd)));
  }

  #checkRevision(revision: bigint): void {
    if (revision > BigInt(this.revision)) throw new Refusal('FutureRevision');
    if (revision > 0n && revision < BigInt(this.compacted)) throw new Refusal('Compacted');
  }

  #checkList({ compare, success, failure }: etcdserverpb.TxnRequest, most: number): void {
    const longest = Math.max(compare.length, success.length, failure.length);
    if (longest > most) throw new Refusal('TooManyOperations');
    if (compare.some(({ key }) => key.length === 0)) throw new Refusal('EmptyKey');
    for (const operation of [...success, ...failure]) this.#checkOperation(operation, most - longest);
  }

  #checkOperation(operation: etcdserverpb.RequestOp, most: number): void {
    const { requestRange, requestPut, requestDeleteRange, requestTxn } = operation;
    const request = requestRange ?? requestPut ?? requestDeleteRange;
    if (request?.key.length === 0) throw new Refusal('EmptyKey');
    if (requestPut?.ignoreValue === true && requestPut.value.length > 0) throw new Refusal('ValueProvided');
    if (requestPut?.ignoreLease === true && requestPut.lease !== 0n) throw new Refusal('LeaseProvided');
    if (requestTxn !== undefined) this.#checkList(requestTxn, most);
  }

  /** Each key with how often a list may put it: once, and then nothing may delete it that etcd would notice. */
  #checkConflicts(operations: readonly etcdserverpb.RequestOp[]): { puts: Set<string>; deletes: Set<string> } {
    const puts = new Set<string>();
    const deletes = new Set<string>();
    for (const { requestDeleteRange: request } of operations) {
      if (request !== undefined) for (const key of this.#keysOf(request.key, request.rangeEnd)) deletes.add(key);
    }
    for (const { requestTxn } of operations) {
      if (requestTxn === undefined) continue;
      const branches = [this.#checkConflicts(requestTxn.success), this.#checkConflicts(requestTxn.failure)];
      const put = new Set(branches.flatMap((branch) => [...branch.puts]));
      if ([...put].some((key) => puts.has(key) || deletes.has(key))) throw new Refusal('DuplicateKey');
      for (const key of put) puts.add(key);
      for (const branch of branches) for (const key of branch.deletes) deletes.add(key);
    }
    for (const { requestPut } of operations) {
      if (requestPut === undefined) continue;
      const key = text(requestPut.key);
      if (puts.has(key) || deletes.has(key)) throw new Refusal('DuplicateKey');
      puts.add(key);
    }
    return { puts, deletes };
  }

  /** The branch that is taken, and of each transaction in it too. */
  #choose(request: etcdserverpb.TxnRequest): Path {
    const succeeded = request.compare.every((compare) => this.#holds(compare));
    const operations = [...(succeeded ? request.success : request.failure)];
    const nested = operations.map((operation) => {
      this.#checkNow(operation);
      return operation.requestTxn === undefined ? undefined : this.#choose(operation.requestTxn);
    });
    return { succeeded, operations, nested };
  }

  #checkNow({ requestRange, requestPut }: etcdserverpb.RequestOp): void {
    if (requestRange !== undefined) this.#checkRevision(requestRange.revision);
    if (requestPut === undefined) return;
    const isKept = requestPut.ignoreValue || requestPut.ignoreLease;
    if (isKept && !this.latest.has(text(requestPut.key))) throw new Refusal('KeyNotFound');
    this.#checkLease(requestPut);
  }

  #checkLease({ lease }: etcdserverpb.PutRequest): void {
    if (lease !== 0n && !this.leases.has(lease)) throw new Refusal('LeaseNotFound');
  }

  #holds(compare: etcdserverpb.Compare): boolean {
    const keys = this.#keysOf(compare.key, compare.rangeEnd);
    const there = keys.map((key) => this.latest.get(key)).filter((entry) => entry !== undefined);
    if (there.length === 0 && compare.target === 3) return false;
    const zero: Entry = { create: 0, mod: 0, version: 0, value: '', lease: 0n };
    const targets = {
      0: (entry: Entry) => [BigInt(entry.version), compare.version ?? 0n],
      1: (entry: Entry) => [BigInt(entry.create), compare.createRevision ?? 0n],
      2: (entry: Entry) => [BigInt(entry.mod), compare.modRevision ?? 0n],
      3: (entry: Entry) => [entry.value, text(compare.value ?? new Uint8Array(0))],
      4: (entry: Entry) => [entry.lease, compare.lease ?? 0n],
    };
    return (there.length === 0 ? [zero] : there).every((entry) => {
      const [left, right] = targets[compare.target](entry) as [string, string];
      return [left === right, left > right, left < right, left !== right][compare.result];
    });
  }

  #doTransaction(path: Path): etcdserverpb.TxnResponse {
    const responses = path.operations.map((operation, index) => {
      const nested = path.nested[index];
      if (nested === undefined) return this.#do(operation);
      return etcdserverpb.ResponseOp.create({ responseTxn: this.#doTransaction(nested) });
    });
    return { header: this.#header(), succeeded: path.succeeded, responses };
  }

  #do({ requestRange, requestPut, requestDeleteRange }: etcdserverpb.RequestOp): etcdserverpb.ResponseOp {
    const response = etcdserverpb.ResponseOp.create;
    const draft = this.#draft as Map<string, Entry>;
    if (requestRange !== undefined) return response({ responseRange: this.#range(requestRange, this.#nowRevision()) });
    if (requestPut !== undefined) {
      const key = text(requestPut.key);
      const old = draft.get(key);
      const mod = this.revision + 1;
      const lease = requestPut.ignoreLease ? (old?.lease ?? 0n) : requestPut.lease;
      const value = requestPut.ignoreValue ? (old?.value ?? '') : text(requestPut.value);
      draft.set(key, { create: old?.create ?? mod, mod, version: (old?.version ?? 0) + 1, value, lease });
      const prevKv = requestPut.prevKv && old !== undefined ? render(key, old, false) : undefined;
      return response({ responsePut: { header: this.#header(), prevKv } });
    }
    const { key, rangeEnd, prevKv } = requestDeleteRange as etcdserverpb.DeleteRangeRequest;
    const gone = this.#keysOf(key, rangeEnd).filter((name) => draft.has(name));
    const prevKvs = prevKv ? gone.map((name) => render(name, draft.get(name) as Entry, false)) : [];
    for (const name of gone) draft.delete(name);
    return response({ responseDeleteRange: { header: this.#header(), deleted: BigInt(gone.length), prevKvs } });
  }

  #range(request: etcdserverpb.RangeRequest, revision: number): etcdserverpb.RangeResponse {
    const asked = request.revision > 0n ? this.#pictures[Number(request.revision)] : (this.#draft ?? this.latest);
    const there = this.#keysOf(request.key, request.rangeEnd).flatMap((key) => {
      const entry = asked?.get(key);
      return entry === undefined ? [] : [{ key, entry }];
    });
    const within = (value: number, min: bigint, max: bigint): boolean =>
      (min === 0n || value >= min) && (max === 0n || value <= max);
    const left = there.filter(
      ({ entry }) =>
        within(entry.mod, request.minModRevision, request.maxModRevision) &&
        within(entry.create, request.minCreateRevision, request.maxCreateRevision),
    );
    const keyed = left.map((item) => ({
      ...item,
      by: [item.key, item.entry.version, item.entry.create, item.entry.mod, item.entry.value][request.sortTarget] ?? 0,
    }));
    const sign = request.sortOrder === 2 ? -1 : 1;
    keyed.sort((a, b) => (a.by < b.by ? -sign : a.by > b.by ? sign : 0));
    const limit = request.limit > 0n ? Number(request.limit) : Number.POSITIVE_INFINITY;
    const kept = request.countOnly ? [] : keyed.slice(0, limit);
    return {
      header: this.#header(revision),
      kvs: kept.map(({ key, entry }) => render(key, entry, request.keysOnly)),
      more: !request.countOnly && keyed.length > limit,
      count: BigInt(there.length),
    };
  }
}

function render(key: string, entry: Entry, isBare: boolean): mvccpb.KeyValue {
  return {
    key: bytes(key),
    createRevision: BigInt(entry.create),
    modRevision: BigInt(entry.mod),
    version: BigInt(entry.version),
    value: isBare ? new Uint8Array(0) : bytes(entry.value),
    lease: entry.lease,
  };
}
