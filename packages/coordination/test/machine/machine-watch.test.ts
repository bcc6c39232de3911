import { etcdserverpb, mvccpb } from '@flotilla/protocol';
import type { MachineSubscription } from '@flotilla/raftstore';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clientCommand, keyTexts } from './command-arbitrary.ts';
import { MachineReplica } from './machine-replica.ts';
import { type NaiveEvent, NaiveStore } from './naive-store.ts';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
const text = (value: Uint8Array): string => Buffer.from(value).toString('latin1');

interface WatchedRange {
  readonly key: string;
  readonly rangeEnd: string;
  readonly filters: readonly etcdserverpb.WatchCreateRequestFilterType[];
  readonly prevKv: boolean;
  readonly fragment: boolean;
  readonly start: number;
}

const watchedRange: fc.Arbitrary<WatchedRange> = fc.record({
  key: fc.constantFrom(...keyTexts),
  rangeEnd: fc.constantFrom('', '\u0000', 'b', 'ÿÿ', 'd'),
  filters: fc.constantFrom([], [], [0], [1]) as fc.Arbitrary<readonly etcdserverpb.WatchCreateRequestFilterType[]>,
  prevKv: fc.boolean(),
  fragment: fc.boolean(),
  start: fc.nat(20),
});

/** Reads a subscription and checks, piece by piece, what no piece may break; `model` is what it has to tell in the end. */
class CheckedWatch {
  readonly #range: WatchedRange;
  readonly #model: NaiveStore;
  #subscription: MachineSubscription;
  readonly told: NaiveEvent[] = [];
  #partial: NaiveEvent[] = [];
  /** Everything up to here was told. */
  revision: number;
  compactedAt: number | undefined;
  #pending: Promise<Uint8Array | undefined> | undefined;

  constructor(replica: MachineReplica, range: WatchedRange, model: NaiveStore) {
    this.#range = range;
    this.#model = model;
    this.revision = (range.start > 0 ? range.start : model.revision + 1) - 1;
    this.#subscription = this.#open(replica);
  }

  /** After the replica's restart, or a lost connection: goes on after the last revision that was told whole. */
  reopen(replica: MachineReplica): void {
    this.#subscription.close();
    this.#partial = [];
    this.#pending = undefined;
    if (this.compactedAt === undefined) this.#subscription = this.#open(replica);
  }

  /** Reads up to `most` pieces of those that can be had without a further command. */
  async read(most: number): Promise<void> {
    for (let piece = 0; piece < most && this.compactedAt === undefined; piece += 1) {
      this.#pending ??= this.#subscription.next();
      const read = await Promise.race([this.#pending, settle()]);
      if (read === 'nothing') return;
      this.#pending = undefined;
      expect(read).toBeDefined();
      this.#take(etcdserverpb.WatchResponse.decode(read as Uint8Array));
    }
  }

  #open(replica: MachineReplica): MachineSubscription {
    const { key, rangeEnd, filters, prevKv, fragment } = this.#range;
    return replica.machine.subscribe(
      etcdserverpb.WatchCreateRequest.encode(
        etcdserverpb.WatchCreateRequest.create({
          key: bytes(key),
          rangeEnd: bytes(rangeEnd),
          filters,
          prevKv,
          fragment,
          startRevision: BigInt(this.revision + 1),
        }),
      ),
    );
  }

  #take(response: etcdserverpb.WatchResponse): void {
    if (response.canceled) {
      expect(response.compactRevision).toBe(BigInt(this.#model.compacted));
      expect(this.revision + 1).toBeLessThan(this.#model.compacted);
      this.compactedAt = this.#model.compacted;
      return;
    }
    if (!this.#range.fragment) expect(response.fragment).toBe(false);
    for (const event of response.events) this.#partial.push(this.#eventOf(event));
    const revision = Number(response.header?.revision);
    if (response.fragment) {
      expect(revision).toBe((this.#partial[0]?.revision ?? 0) - 1);
      return;
    }
    for (const event of this.#partial) {
      expect(event.revision).toBeGreaterThan(this.revision);
      expect(event.revision).toBeLessThanOrEqual(revision);
      this.told.push(event);
    }
    expect(revision).toBeLessThanOrEqual(this.#model.revision);
    this.#partial = [];
    // A watch of what is yet to come may be told of the revision that there is.
    if (revision < this.revision) expect(this.revision).toBe(this.#range.start - 1);
    this.revision = Math.max(this.revision, revision);
  }

  #eventOf({ type, kv, prevKv }: mvccpb.Event): NaiveEvent {
    expect(kv).toBeDefined();
    const entryOf = (value: mvccpb.KeyValue) => ({
      create: Number(value.createRevision),
      mod: Number(value.modRevision),
      version: Number(value.version),
      value: text(value.value),
      lease: value.lease,
    });
    const { key, modRevision } = kv as mvccpb.KeyValue;
    return {
      revision: Number(modRevision),
      key: text(key),
      now: type === mvccpb.EventEventType.DELETE ? undefined : entryOf(kv as mvccpb.KeyValue),
      before: prevKv === undefined ? undefined : entryOf(prevKv),
    };
  }
}

/** Resolves once everything that can go on has done so; the database in memory answers within microtasks. */
async function settle(): Promise<'nothing'> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
  return 'nothing';
}

function expected(model: NaiveStore, range: WatchedRange, from: number, upTo: number): NaiveEvent[] {
  const isIn = (key: string): boolean => {
    if (range.rangeEnd === '') return key === range.key;
    return key >= range.key && (range.rangeEnd === '\u0000' || key < range.rangeEnd);
  };
  return model.events.filter(
    ({ revision, key, now }) =>
      revision >= from && revision <= upTo && isIn(key) && !range.filters.includes(now === undefined ? 1 : 0),
  );
}

/** Compares what was told; a key's value before is left out where compaction may have taken it. */
function compare(watch: CheckedWatch, range: WatchedRange, model: NaiveStore, from: number): void {
  const sorted = (events: readonly NaiveEvent[]) =>
    [...events].sort((a, b) => a.revision - b.revision || (a.key < b.key ? -1 : 1));
  const wanted = sorted(expected(model, range, from, watch.revision));
  const told = sorted(watch.told);
  expect(told.map((event) => event.revision)).toEqual(watch.told.map((event) => event.revision));
  expect(told.map(({ revision, key, now }) => ({ revision, key, now }))).toEqual(
    wanted.map(({ revision, key, now }) => ({ revision, key, now })),
  );
  for (const [index, event] of told.entries()) {
    if (!range.prevKv) expect(event.before).toBeUndefined();
    else if (event.before !== undefined) expect(event.before).toEqual(wanted[index]?.before);
    else if (event.revision > model.compacted) expect(wanted[index]?.before).toBeUndefined();
  }
}

const step = fc.oneof(
  { weight: 8, arbitrary: clientCommand.map((command) => ({ type: 'command', command }) as const) },
  { weight: 3, arbitrary: watchedRange.map((range) => ({ type: 'watch', range }) as const) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 4 }).map((most) => ({ type: 'read', most }) as const) },
  { weight: 1, arbitrary: fc.constant({ type: 'purge' } as const) },
  { weight: 2, arbitrary: fc.constant({ type: 'write' } as const) },
  { weight: 1, arbitrary: fc.constant({ type: 'restart' } as const) },
  { weight: 1, arbitrary: fc.constant({ type: 'reload' } as const) },
);

test('watches tell every change once, in order and whole, from any revision on, or say that it is compacted', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 70, size: 'max' }), fc.boolean(), async (steps, isSmall) => {
      const replica = new MachineReplica(isSmall ? { recentBytes: 600, pieceBytes: 30 } : {});
      await replica.machine.load();
      const model = new NaiveStore(keyTexts);
      const watches: { watch: CheckedWatch; range: WatchedRange; from: number }[] = [];
      for (const item of steps) {
        switch (item.type) {
          case 'command':
            replica.apply(item.command);
            model.apply(item.command);
            break;
          case 'watch': {
            const watch = new CheckedWatch(replica, item.range, model);
            watches.push({ watch, range: item.range, from: watch.revision + 1 });
            break;
          }
          case 'read':
            for (const { watch } of watches) await watch.read(item.most);
            break;
          case 'purge':
            replica.apply({ purge: { limit: 1_000 } });
            break;
          case 'write':
            await replica.write();
            break;
          case 'restart':
            await replica.reload();
            for (const { watch } of watches) watch.reopen(replica);
            break;
          case 'reload':
            // As after a snapshot: the same machine, the same subscriptions.
            await replica.write();
            await replica.machine.load();
        }
      }
      await replica.write();
      for (const { watch, range, from } of watches) {
        await watch.read(10_000);
        if (watch.compactedAt === undefined) expect(watch.revision).toBeGreaterThanOrEqual(lastOf(model, range, from));
        compare(watch, range, model, from);
      }
    }),
    { numRuns: 250 },
  );
});

function lastOf(model: NaiveStore, range: WatchedRange, from: number): number {
  return expected(model, range, from, model.revision).at(-1)?.revision ?? 0;
}

test('a snapshot with revisions that were never applied here is told of as any others', async () => {
  const ahead = new MachineReplica();
  const behind = new MachineReplica();
  for (const replica of [ahead, behind]) await replica.machine.load();
  const put = (value: string) => ({ put: etcdserverpb.PutRequest.create({ key: bytes('a'), value: bytes(value) }) });
  for (const replica of [ahead, behind]) replica.apply(put('1'));
  const subscription = behind.machine.subscribe(
    etcdserverpb.WatchCreateRequest.encode(etcdserverpb.WatchCreateRequest.create({ key: bytes('a') })),
  );
  expect(etcdserverpb.WatchResponse.decode((await subscription.next()) as Uint8Array).created).toBe(true);
  const next = subscription.next();
  for (const value of ['2', '3', '4']) ahead.apply(put(value));
  await ahead.write();
  await behind.write();
  const batch = behind.engine.batch();
  for (const { key, value } of await ahead.engine.scan({ start: bytes('m') })) batch.put(key, value);
  await behind.engine.write(batch, { sync: true });
  await behind.machine.load();
  const { events } = etcdserverpb.WatchResponse.decode((await next) as Uint8Array);
  expect(events.map(({ kv }) => text(kv?.value as Uint8Array))).toEqual(['2', '3', '4']);
});

test('a thousand watches of one prefix are told of a change with the same bytes, and of others not at all', async () => {
  const replica = new MachineReplica();
  await replica.machine.load();
  const request = etcdserverpb.WatchCreateRequest.encode(
    etcdserverpb.WatchCreateRequest.create({ key: bytes('p/'), rangeEnd: bytes('p0') }),
  );
  const subscriptions = Array.from({ length: 1_000 }, () => replica.machine.subscribe(request));
  for (const subscription of subscriptions) await subscription.next();
  let answered = 0;
  const pieces = subscriptions.map(async (subscription) => {
    const piece = await subscription.next();
    answered += 1;
    return piece;
  });
  await settle();
  replica.apply({ put: etcdserverpb.PutRequest.create({ key: bytes('q'), value: bytes('x') }) });
  await settle();
  expect(answered).toBe(0);
  replica.apply({ put: etcdserverpb.PutRequest.create({ key: bytes('p/1'), value: bytes('x') }) });
  const all = await Promise.all(pieces);
  expect(new Set(all).size).toBe(1);
  expect(etcdserverpb.WatchResponse.decode(all[0] as Uint8Array).events).toHaveLength(1);
  replica.machine.close();
  expect(await Promise.all(subscriptions.map((subscription) => subscription.next()))).toEqual(
    new Array(1_000).fill(undefined),
  );
});

/** A replica with a put to each of the keys, in order. */
async function replicaWith(...keys: string[]): Promise<MachineReplica> {
  const replica = new MachineReplica();
  await replica.machine.load();
  for (const key of keys) replica.apply(putOf(key));
  return replica;
}

const putOf = (key: string) => ({ put: etcdserverpb.PutRequest.create({ key: bytes(key), value: bytes('x') }) });
const compactTo = (revision: bigint) => ({ compact: { revision, physical: false } });

function follow(replica: MachineReplica, request: Partial<etcdserverpb.WatchCreateRequest>): MachineSubscription {
  const create = etcdserverpb.WatchCreateRequest.create({ key: bytes('a'), ...request });
  return replica.machine.subscribe(etcdserverpb.WatchCreateRequest.encode(create));
}

async function pieceOf(subscription: MachineSubscription): Promise<etcdserverpb.WatchResponse> {
  return etcdserverpb.WatchResponse.decode((await subscription.next()) as Uint8Array);
}

test.each(['progress', 'snapshot'])(
  'a watch that had nothing to read is not behind: compaction, then %s',
  async (then) => {
    const replica = await replicaWith('a');
    const subscription = follow(replica, { watchId: 7n });
    await subscription.next();
    const next = pieceOf(subscription);
    await settle();
    for (let count = 0; count < 5; count += 1) replica.apply(putOf('b'));
    replica.apply(compactTo(7n));
    await replica.write();
    if (then === 'progress') {
      expect(replica.read({ watchProgress: { watchId: 7n } }).watchProgress?.found).toBe(true);
      expect(await next).toMatchObject({ canceled: false, header: { revision: 7n }, events: [] });
      return;
    }
    await replica.machine.load();
    await settle();
    replica.apply(putOf('a'));
    expect((await next).events.map(({ kv }) => kv?.modRevision)).toEqual([8n]);
  },
);

test('what a key was before a compacted revision is not told, purged or not', async () => {
  const replica = await replicaWith('a', 'a', 'a');
  const befores = async (): Promise<(bigint | undefined)[]> => {
    const subscription = follow(replica, { startRevision: 3n, prevKv: true });
    await subscription.next();
    return (await pieceOf(subscription)).events.map(({ prevKv }) => prevKv?.modRevision);
  };
  expect(await befores()).toEqual([2n, 3n]);
  replica.apply(compactTo(3n));
  expect(await befores()).toEqual([undefined, 3n]);
  replica.apply({ purge: { limit: 10 } });
  expect(await befores()).toEqual([undefined, 3n]);
});

test('a revision that is larger than a piece comes whole, or in parts if that is announced', async () => {
  const replica = new MachineReplica({ pieceBytes: 100 });
  await replica.machine.load();
  const success = Array.from({ length: 10 }, (_, index) =>
    etcdserverpb.RequestOp.create({ requestPut: putOf(`a${index}`).put }),
  );
  replica.apply({ txn: etcdserverpb.TxnRequest.create({ success }) });
  replica.apply(putOf('a'));
  const range = { rangeEnd: bytes('b'), startRevision: 1n };
  const whole = follow(replica, range);
  await whole.next();
  expect(await pieceOf(whole)).toMatchObject({ fragment: false, header: { revision: 2n }, events: { length: 10 } });
  expect(await pieceOf(whole)).toMatchObject({ fragment: false, header: { revision: 3n }, events: { length: 1 } });
  const parts = follow(replica, { ...range, fragment: true });
  await parts.next();
  const keys: string[] = [];
  let piece = await pieceOf(parts);
  for (; piece.fragment; piece = await pieceOf(parts)) {
    expect(piece.header?.revision).toBe(1n);
    for (const { kv } of piece.events) keys.push(text(kv?.key as Uint8Array));
  }
  for (const { kv } of piece.events) keys.push(text(kv?.key as Uint8Array));
  expect(keys).toEqual([...success.map((_, index) => `a${index}`), 'a']);
});

test.each([
  ['what is no request', Uint8Array.of(0xff)],
  ['an empty key', new Uint8Array(0)],
])('a watch of %s ends with its first piece, which says why', async (_what, payload) => {
  const replica = new MachineReplica();
  await replica.machine.load();
  const subscription = replica.machine.subscribe(payload);
  const piece = etcdserverpb.WatchResponse.decode((await subscription.next()) as Uint8Array);
  expect(piece).toMatchObject({ canceled: true, compactRevision: 0n });
  expect(piece.cancelReason).not.toBe('');
  expect(await subscription.next()).toBeUndefined();
});
