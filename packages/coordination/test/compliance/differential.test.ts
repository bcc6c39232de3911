import { createSeededRandom, createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CoordinationBackend, openEtcdBackend, type WatchEvent } from '../../src/index.ts';
import { type EtcdProcess, isEtcdInstalled, startEtcd } from '../etcd/etcd-process.ts';
import { DirectMachine } from '../machine/direct-machine.ts';
import { outcomeOf, RandomOperations, relativeEvents } from './random-operations.ts';

const runtime = createSystemRuntime({ logger: silentLogger });
const everything = { key: Uint8Array.of(0), end: new Uint8Array(0) };
const sequences = 300;
const stepsEach = 25;

/** Takes all keys and leases away; the revision that a sequence counts from. */
async function emptied(backend: CoordinationBackend): Promise<bigint> {
  for (const leaseId of await backend.leases()) await backend.revokeLease(leaseId);
  await backend.delete(everything);
  // One more write, so that both compactions of a sequence and deletes of nothing start alike.
  const { revision } = await backend.put({ key: Uint8Array.of(0), value: new Uint8Array(0) });
  await backend.compact(revision);
  return (await backend.delete(everything)).revision;
}

/** All changes after revision `base + after`, or up to where they are compacted, relative to `base` as a number. */
async function eventsSince(backend: CoordinationBackend, base: bigint, after: number): Promise<unknown> {
  await using watch = backend.watch({ ...everything, startRevision: base + BigInt(after) + 1n });
  const { revision } = await backend.range({ ...everything, countOnly: true });
  const events: WatchEvent[] = [];
  watch.requestProgress();
  for await (const update of watch) {
    if (update.type === 'compacted') return Number(update.compactRevision - base);
    if (update.type === 'events') events.push(...update.events);
    if (update.type === 'progress' && update.revision >= revision) break;
  }
  return relativeEvents(events, base);
}

describe.skipIf(!isEtcdInstalled())('the machine beside a real etcd', () => {
  let etcd: EtcdProcess;
  let machine: DirectMachine;
  let theirs: CoordinationBackend;
  let ours: CoordinationBackend;

  beforeAll(async () => {
    etcd = await startEtcd();
    machine = await DirectMachine.open({ runtime });
    theirs = openEtcdBackend({ endpoints: [etcd.endpoint], runtime });
    ours = machine.connect();
  });

  afterAll(async () => {
    await Promise.all([theirs.close(), ours.close()]);
    machine.close();
    await etcd.stop();
  });

  test.each([1, 2, 3])(
    'gives the same answers to random calls, part %i',
    async (part) => {
      for (let sequence = 0; sequence < sequences / 3; sequence += 1) {
        const seed = part * 1000 + sequence;
        const operations = new RandomOperations(createSeededRandom(seed));
        const [theirBase, ourBase] = [await emptied(theirs), await emptied(ours)];
        const done: string[] = [];
        for (let count = 0; count < stepsEach; count += 1) {
          const step = operations.step();
          done.push(step.text);
          const expected = await outcomeOf(step, theirs, theirBase);
          expect(await outcomeOf(step, ours, ourBase), `seed ${seed}:\n${done.join('\n')}`).toEqual(expected);
        }
        if (sequence % 10 !== 0) continue;
        let [after, changes] = [0, await eventsSince(theirs, theirBase, 0)];
        if (typeof changes === 'number') [after, changes] = [changes, await eventsSince(theirs, theirBase, changes)];
        const given = await eventsSince(ours, ourBase, after);
        expect(given, `seed ${seed}, changes after ${after}:\n${done.join('\n')}`).toEqual(changes);
      }
    },
    120_000,
  );
});
