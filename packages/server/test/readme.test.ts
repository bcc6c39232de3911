import { readFileSync } from 'node:fs';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { expect, it } from 'vitest';
import { createTinyKvService, resolveServerConfig, startGrpcServer } from '../src/index.ts';
import { FakeStore } from './fake-store.ts';

it('runs the example of the README', async () => {
  const store = new FakeStore();
  const runtime = createSystemRuntime({ logger: silentLogger, seed: 1 });
  // README: begin
  const config = resolveServerConfig({ maxValueBytes: 1024 * 1024 });
  const service = createTinyKvService({ store, config, runtime });
  const server = await startGrpcServer({ services: [service], listen: '127.0.0.1:0', config, runtime });
  // … and at the end; waits for calls under way, for a bounded time:
  const outcome = await server.close();
  // README: end
  expect(outcome).toBe('ended');
  const source = readFileSync(new URL(import.meta.url), 'utf8');
  const example = /\/\/ README: begin\n([\s\S]*?) {2}\/\/ README: end/.exec(source)?.[1]?.replace(/^ {2}/gm, '');
  expect(readFileSync(new URL('../README.md', import.meta.url), 'utf8')).toContain(example);
});
