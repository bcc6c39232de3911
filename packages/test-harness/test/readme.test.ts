import { readFileSync } from 'node:fs';
import { SimulatedWorld } from '@flotilla/runtime';
import { expect, it } from 'vitest';
import { judge } from './readme-example.ts';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const clock = new SimulatedWorld(1).createRuntime('client').clock;

it('shows in the README exactly the code that runs here', () => {
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('./readme-example.ts')}\`\`\``);
});

it('shows in the README exactly the verdict that the code gives', async () => {
  const { verdict, ndjson } = await judge({ put: async () => {}, get: async () => 'a' }, clock);
  expect(read('../README.md')).toContain(`\`\`\`\n${verdict}\n\`\`\``);
  expect(ndjson.split('\n')).toContain('{"process":2,"type":"invoke","op":"get","key":"x","value":null,"time":0}');
});

it('accepts a write that failed towards its caller and shows all the same', async () => {
  const put = (_: string, value: string): Promise<void> =>
    value === 'a' ? Promise.resolve() : Promise.reject(new Error('timed out'));
  expect((await judge({ put, get: async () => 'b' }, clock)).verdict).toBe('register: valid');
  expect((await judge({ put, get: async () => 'a' }, clock)).verdict).toBe('register: valid');
});
