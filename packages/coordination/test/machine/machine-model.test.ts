import { coordinationpb, mvccpb } from '@flotilla/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clientCommand, keyTexts, leaderCommand, rangeRequest } from './command-arbitrary.ts';
import { MachineReplica } from './machine-replica.ts';
import { NaiveStore } from './naive-store.ts';

const codeNames = new Map(Object.entries(coordinationpb.ErrorCode).map(([name, code]) => [code as number, name]));

/** Buffers as plain arrays, which compare by content. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

function outcomeOf(answer: coordinationpb.Answer): unknown {
  return answer.error === undefined ? plain(answer) : codeNames.get(answer.error.code);
}

const step = fc.oneof(
  { weight: 6, arbitrary: clientCommand.map((command) => ({ type: 'command', command }) as const) },
  { weight: 3, arbitrary: rangeRequest.map((request) => ({ type: 'read', request }) as const) },
  { weight: 1, arbitrary: fc.nat(3).map((limit) => ({ type: 'purge', limit }) as const) },
  { weight: 1, arbitrary: fc.constant({ type: 'write' } as const) },
  { weight: 1, arbitrary: fc.constant({ type: 'reload' } as const) },
);

test('the machine answers as a naive model of it does, purged and reloaded at any time', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
      // So little is kept in memory that reads come from the database as soon as it has what they want.
      const replica = new MachineReplica({ recentBytes: 1_000 });
      await replica.machine.load();
      const model = new NaiveStore(keyTexts);
      for (const item of steps) {
        switch (item.type) {
          case 'command':
            expect(outcomeOf(replica.apply(item.command))).toEqual(plain(model.apply(item.command)));
            break;
          case 'read': {
            const answer = replica.read({ range: item.request });
            const expected = model.read(item.request);
            const found = answer.error === undefined ? plain(answer.range) : outcomeOf(answer);
            expect(found).toEqual(plain(expected));
            break;
          }
          case 'purge':
            replica.apply({ purge: { limit: item.limit } });
            break;
          case 'write':
            await replica.write();
            break;
          case 'reload':
            await replica.reload();
        }
      }
    }),
    { numRuns: 200 },
  );
});

test('two replicas have the same answers and the same bytes, one of them reloaded again and again', async () => {
  const part = fc.record({
    command: fc.oneof({ weight: 5, arbitrary: clientCommand }, { weight: 1, arbitrary: leaderCommand }),
    after: fc.constantFrom('nothing', 'write', 'reload'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 60, size: 'max' }), async (parts) => {
      const steady = new MachineReplica();
      const restless = new MachineReplica({ recentBytes: 0, pieceBytes: 10 });
      await steady.machine.load();
      await restless.machine.load();
      for (const { command, after } of parts) {
        const payload = coordinationpb.Command.encode(command);
        expect(Buffer.compare(steady.applyBytes(payload), restless.applyBytes(payload))).toBe(0);
        if (after === 'write') await restless.write();
        if (after === 'reload') await restless.reload();
      }
      expect(await restless.data()).toEqual(await steady.data());
    }),
    { numRuns: 200 },
  );
});

test('once purged, only what a readable revision needs is left in the database', async () => {
  const commands = fc.array(clientCommand, { maxLength: 60, size: 'max' });
  await fc.assert(
    fc.asyncProperty(commands, fc.double({ min: 0, max: 1, noNaN: true }), async (commands, fraction) => {
      const replica = new MachineReplica();
      await replica.machine.load();
      const model = new NaiveStore(keyTexts);
      for (const command of commands) {
        replica.apply(command);
        model.apply(command);
      }
      const revision = Math.max(model.compacted, Math.ceil(model.revision * fraction));
      replica.apply({ compact: { revision: BigInt(revision), physical: false } });
      replica.apply({ purge: { limit: 10_000 } });
      const left = (await replica.data()).flatMap((pair) => {
        if (!pair.startsWith('6d72')) return [];
        const kv = mvccpb.KeyValue.decode(Buffer.from(pair.slice(pair.indexOf('=') + 1), 'hex'));
        return kv.modRevision > BigInt(revision) ? [] : [`${Buffer.from(kv.key).toString('latin1')}@${kv.modRevision}`];
      });
      const needed = [...model.at(revision)].map(([key, { mod }]) => `${key}@${mod}`);
      // A watch from the compacted revision on still tells of the deletions in it.
      for (const event of model.events) {
        if (event.revision === revision && event.now === undefined) needed.push(`${event.key}@${revision}`);
      }
      expect(left.sort()).toEqual(needed.sort());
    }),
    { numRuns: 200 },
  );
});

test('any bytes are answered, and change nothing unless they are a command', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 40 }),
      clientCommand,
      fc.nat(),
      fc.nat(255),
      async (noise, command, at, to) => {
        const replica = new MachineReplica();
        await replica.machine.load();
        const damaged = Uint8Array.from(coordinationpb.Command.encode(command));
        if (damaged.length > 0) damaged[at % damaged.length] = to;
        for (const payload of [noise, damaged]) {
          const before = await replica.data();
          const answer = coordinationpb.Answer.decode(replica.applyBytes(payload));
          if (answer.error !== undefined) expect(await replica.data()).toEqual(before);
          expect(() => replica.machine.read(payload, undefined)).not.toThrow();
        }
      },
    ),
    { numRuns: 200 },
  );
});
