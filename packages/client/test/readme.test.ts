import { readFileSync } from 'node:fs';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { expect, it, onTestFinished } from 'vitest';
import { createRawClient, OutcomeUnknownError } from '../src/index.ts';
import { FakeCluster } from './fake-cluster.ts';

it('runs the example of the README', async () => {
  const cluster = await FakeCluster.start();
  onTestFinished(() => cluster.stop());
  const schedulerClient = cluster.schedulerClient();
  const runtime = createSystemRuntime({ logger: silentLogger, seed: 1 });
  const { signal } = new AbortController();
  const shown: string[] = [];
  const show = (line: string): void => {
    shown.push(line);
  };
  // README: begin
  const client = createRawClient({ schedulerClient, runtime });
  const key = Buffer.from('ship');
  try {
    await client.put(key, Buffer.from('Endurance'), { signal, timeoutMs: 5_000 });
  } catch (error) {
    if (error instanceof OutcomeUnknownError) show('the put may or may not have taken effect');
    throw error;
  }
  const found = await client.get(key); // undefined: there is none; an empty value is a value
  show(`found ${found}`);
  for await (const pair of client.scan({ start: key, limit: 100 })) show(`${pair.key} = ${pair.value}`);
  await client.close();
  // README: end
  expect(shown).toEqual(['found Endurance', 'ship = Endurance']);
  const source = readFileSync(new URL(import.meta.url), 'utf8');
  const example = /\/\/ README: begin\n([\s\S]*?) {2}\/\/ README: end/.exec(source)?.[1]?.replace(/^ {2}/gm, '');
  expect(readFileSync(new URL('../README.md', import.meta.url), 'utf8')).toContain(example);
});
