import { createSeededRandom, SimulatedWorld } from '@flotilla/runtime';
import { expect, onTestFinished, test } from 'vitest';
import {
  BackendError,
  ConfigCenter,
  type ConfigChange,
  type ConfigVersion,
  type CoordinationBackend,
  OutcomeUnknownError,
} from '../../src/index.ts';
import { DirectMachine } from '../machine/direct-machine.ts';

/** A machine in virtual time, and what runs a promise there. */
async function build(seed = 1) {
  const world = new SimulatedWorld(seed);
  const runtime = world.createRuntime('machine');
  const run = async <T>(promise: Promise<T>): Promise<T> => {
    let isDone = false;
    const done = (): void => {
      isDone = true;
    };
    promise.then(done, done);
    if (!(await world.runUntil(() => isDone, 600_000))) throw new Error('it did not come to an end');
    return promise;
  };
  const direct = await run(DirectMachine.open({ runtime }));
  onTestFinished(() => direct.close());
  const centerOn = (backend: CoordinationBackend): ConfigCenter => ConfigCenter.open({ backend, clock: runtime.clock });
  return { world, runtime, run, direct, backend: direct.connect(), centerOn };
}

/** The same backend, of which some methods are others. */
function altered(backend: CoordinationBackend, methods: Partial<CoordinationBackend>): CoordinationBackend {
  return new Proxy(backend, {
    get: (target, name) => {
      const member: unknown = Reflect.get(methods, name) ?? Reflect.get(target, name, target);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

test('semantics 7: a watch whose connection is lost again and again misses nothing and repeats nothing', async () => {
  const { world, run, direct, backend, centerOn } = await build();
  const center = centerOn(backend);
  const watch = centerOn(direct.connect()).watchPrefix('');
  await run(watch.ready());
  const seen: ConfigChange[] = [];
  const reading = (async () => {
    for await (const change of watch) if (seen.push(change) === 60) return;
  })();
  for (let value = 1; value <= 60; value += 1) {
    await run(center.set(`key ${value % 3}`, String(value)));
    if (value % 7 === 0) direct.loseConnections();
    if (value % 20 === 0) await world.advance(500);
  }
  await run(reading);
  expect(seen.map((change) => (change.type === 'reset' ? 'reset' : change.newValue))).toEqual(
    Array.from({ length: 60 }, (_, index) => String(index + 1)),
  );
});

test('semantics 7: what is compacted while a watch is cut off comes as an explicit reset', async () => {
  const { world, run, direct, backend, centerOn } = await build();
  const center = centerOn(backend);
  await run(center.set('a', '1'));
  const watch = center.watch('a');
  await run(watch.ready());
  direct.isCut = true;
  direct.loseConnections();
  await world.advance(1_000);
  direct.isCut = false;
  const other = centerOn(direct.connect());
  await run(other.set('a', '2'));
  const { version } = await run(other.set('a', '3'));
  await run(backend.compact(version));
  const { value: change } = await run(watch.next());
  expect(change).toMatchObject({ type: 'reset', values: [{ key: 'a', value: '3', version }] });
  await run(center.set('a', '4'));
  expect((await run(watch.next())).value).toMatchObject({ type: 'update', oldValue: '3', newValue: '4' });
});

test('semantics 8: a write whose answer was lost is reported as such, and is not sent twice', async () => {
  const { run, backend, centerOn } = await build();
  let sent = 0;
  const lossy = altered(backend, {
    async transact(request, options) {
      const result = await backend.transact(request, options);
      if (!request.success.some(({ type }) => type === 'put')) return result;
      sent += 1;
      throw new BackendError('outcomeUnknown', 'the answer was lost');
    },
  });
  const center = centerOn(lossy);
  await expect(run(center.set('a', '1'))).rejects.toBeInstanceOf(OutcomeUnknownError);
  expect(sent).toBe(1);
  expect(await run(center.get('a'))).toMatchObject({ value: '1' });
});

test('a server that does not answer ends a call in the time it was given, retries of its own included', async () => {
  const { world, run, direct, backend, centerOn } = await build();
  const center = centerOn(backend);
  await run(center.set('a', '1'));
  direct.isCut = true;
  const startMs = world.nowMs;
  await expect(run(center.set('a', '2', { timeoutMs: 700 }))).rejects.toMatchObject({ code: 'timeout' });
  expect(world.nowMs - startMs).toBeLessThanOrEqual(800);
  const controller = new AbortController();
  const getting = center.get('a', { signal: controller.signal });
  controller.abort();
  await expect(run(getting)).rejects.toMatchObject({ code: 'cancelled' });
});

test('an unconditional write that others always outrun ends with its time', async () => {
  const { run, runtime, backend, centerOn } = await build();
  const other = centerOn(backend);
  await run(other.set('a', 'begin'));
  const outrun = altered(backend, {
    async transact(request, options) {
      if (request.success.some(({ type }) => type === 'put')) {
        await other.set('a', 'theirs');
        await runtime.timers.sleep(100);
      }
      if ((options?.timeoutMs ?? 0) <= 1) throw new BackendError('timeout', 'the time was over');
      return backend.transact(request, options);
    },
  });
  await expect(run(centerOn(outrun).set('a', 'ours', { timeoutMs: 1_000 }))).rejects.toMatchObject({ code: 'timeout' });
  expect((await run(other.getHistory('a'))).map(({ value }) => value)).not.toContain('ours');
});

test('a key that others make and delete again in the middle of a write keeps its history in order', async () => {
  const { run, backend, centerOn } = await build();
  const other = centerOn(backend);
  await run(other.set('a', '1'));
  await run(other.delete('a'));
  let isFirst = true;
  const outrun = altered(backend, {
    async transact(request, options) {
      if (isFirst && request.success.some(({ type }) => type === 'put')) {
        isFirst = false;
        await other.set('a', 'theirs');
        await other.delete('a');
      }
      return backend.transact(request, options);
    },
  });
  await run(centerOn(outrun).set('a', 'ours', { version: 0n }));
  const history = await run(other.getHistory('a'));
  expect(history.map(({ value }) => value)).toEqual(['1', undefined, 'theirs', undefined, 'ours']);
});

test.each([1, 2, 3, 4, 5, 6])(
  'many writers at once leave values, histories and streams that agree (seed %i)',
  async (seed) => {
    const { run, direct, centerOn } = await build(seed);
    const random = createSeededRandom(seed);
    const keys = ['a', 'b', 'c'];
    const watch = centerOn(direct.connect()).watchPrefix('');
    await run(watch.ready());
    const swapped: { readonly key: string; readonly from: bigint; readonly to: bigint }[] = [];
    const write = async (center: ConfigCenter, own: string): Promise<void> => {
      const key = keys[random.integer(0, keys.length)] as string;
      const kind = random.integer(0, 5);
      if (kind === 0) await center.delete(key);
      else if (kind === 1) {
        const from = await center.getVersion(key);
        const to = await center.set(key, own, { version: from }).catch((error: { readonly code: string }) => {
          expect(error.code).toBe('conflict');
          return undefined;
        });
        if (to !== undefined) swapped.push({ key, from, to: to.version });
      } else if (kind === 2) {
        await center.transact(keys.map((each) => ({ type: 'set', key: each, value: `${own} together` })));
      } else await center.set(key, own);
    };
    const writer = async (name: number): Promise<void> => {
      const center = centerOn(direct.connect());
      for (let turn = 0; turn < 12; turn += 1) await write(center, `${name}.${turn}`);
    };
    await run(Promise.all([1, 2, 3, 4].map(writer)));
    const center = centerOn(direct.connect());
    await run(center.set('end', ''));
    const changes = await run(changesUntilEnd(watch));
    const histories = new Map<string, readonly ConfigVersion[]>();
    for (const key of keys) histories.set(key, await run(center.getHistory(key)));
    for (const key of keys) {
      const history = histories.get(key) ?? [];
      const versions = history.map(({ version }) => version);
      expect(versions).toEqual([...new Set(versions)].toSorted((one, other) => (one < other ? -1 : 1)));
      const last = history.at(-1);
      const value = await run(center.get(key));
      expect(value?.value).toBe(last?.value);
      if (value !== undefined) expect(value.version).toBe(last?.version);
      expect(changes.filter((change) => change.key === key)).toEqual(
        history.map(({ type, value: newValue, version }, at) => ({
          type,
          key,
          version,
          oldValue: history[at - 1]?.value,
          newValue,
        })),
      );
    }
    for (const { key, from, to } of swapped) {
      const history = histories.get(key) ?? [];
      const at = history.findIndex(({ version }) => version === to);
      const before = history[at - 1];
      expect(before === undefined || before.type === 'delete' ? 0n : before.version).toBe(from);
    }
    await run(watch.close());
  },
);

/** What a watch brings before the key `end`. */
async function changesUntilEnd(watch: AsyncIterable<ConfigChange>) {
  const changes: { type: string; key: string; version: bigint; oldValue?: string; newValue?: string }[] = [];
  for await (const change of watch) {
    if (change.type === 'reset') throw new Error('nothing was compacted');
    if (change.key === 'end') break;
    const { type, key, version, oldValue, newValue } = change;
    changes.push({ type, key, version, oldValue, newValue } as (typeof changes)[number]);
  }
  return changes;
}
