import { readFileSync } from 'node:fs';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { type Coordinator, create as createCoordinator } from '../src/index.ts';
import { isEtcdInstalled, startEtcd } from './etcd/etcd-process.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const source = readFileSync(new URL(import.meta.url), 'utf8');
const runtime = createSystemRuntime({ logger: silentLogger });

/** What this file has between two marks, without its indentation. */
function example(name: string): string {
  const found = new RegExp(`// README: ${name}\\n([\\s\\S]*?) {2}// README: end`).exec(source)?.[1];
  return found?.replace(/^ {2}/gm, '') ?? `no example ${name}`;
}

/** The first lock of a program, wherever its data are. */
async function firstLock(create: () => Promise<Coordinator>, makeReport: (signal: AbortSignal) => Promise<string>) {
  // README: first lock
  const coordinator = await create(); // a node inside this process, in memory
  const lock = await coordinator.lock().acquire('nightly-report', { timeoutMs: 10_000 });
  try {
    const report = await makeReport(lock.signal); // the signal aborts if the lock is lost
    await lock.guardedPut('reports/latest', report); // in one transaction with the check that it is held
  } finally {
    await lock.release();
    await coordinator.close();
  }
  // README: end
  return lock;
}

test('the first lock of the README, in this process', async () => {
  expect(readme).toContain(`import { create } from '@flotilla/coordination';\n\n${example('first lock')}\`\`\``);
  const signals: AbortSignal[] = [];
  const lock = await firstLock(
    () => createCoordinator({ runtime }),
    async (signal) => {
      signals.push(signal);
      return signal.aborted ? 'lost' : 'all is well';
    },
  );
  expect(signals[0]?.aborted).toBe(true);
  expect(lock.isHeld).toBe(false);
});

test.skipIf(!isEtcdInstalled())('the first lock of the README, on etcd by one option', async () => {
  await using etcd = await startEtcd();
  await firstLock(
    () => createCoordinator({ runtime, endpoints: [etcd.endpoint] }),
    async () => 'all is well',
  );
  await using coordinator = await createCoordinator({ runtime, endpoints: [etcd.endpoint] });
  const { kvs } = await coordinator.backend.range({ key: Buffer.from('reports/latest') });
  expect(kvs.map(({ value }) => Buffer.from(value).toString())).toEqual(['all is well']);
});

test('the configuration of the README', async () => {
  await using coordinator = await createCoordinator({ runtime });
  const shown: string[] = [];
  const show = (line: string): void => {
    shown.push(line);
  };
  // README: configuration
  const center = coordinator.configCenter();
  center.addSchema({ prefix: 'limits/', schema: z.object({ maxUsers: z.number().int() }) });
  const first = await center.set('limits/web', '{"maxUsers":10}', { author: 'ada', comment: 'first guess' });

  const changes = center.watch('limits/web', { fromVersion: first.version + 1n });
  await center.set('limits/web', '{"maxUsers":20}', { version: first.version }); // only if nobody was faster
  for await (const change of changes) {
    if (change.type === 'update') show(`${change.oldValue} -> ${change.newValue}`);
    break;
  }

  const limits = center.typed('limits/web', z.object({ maxUsers: z.number() }));
  show(`${(await limits.get())?.value.maxUsers} users`);
  await center.rollback('limits/web', first.version, { author: 'ada' });
  for (const { value, comment } of await center.getHistory('limits/web')) show(`${value} ${comment ?? ''}`);
  // README: end
  expect(readme).toContain(example('configuration'));
  expect(shown).toEqual([
    '{"maxUsers":10} -> {"maxUsers":20}',
    '20 users',
    '{"maxUsers":10} first guess',
    '{"maxUsers":20} ',
    `{"maxUsers":10} rollback to version ${first.version}`,
  ]);
});
