import { readFileSync } from 'node:fs';
import { MemoryEngine, readApplyState } from '@flotilla/engine';
import { eraftpb } from '@flotilla/protocol';
import { expect, test } from 'vitest';
import { append, apply, keys } from './readme-example.ts';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

test('the README shows exactly the code that runs here', () => {
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('./readme-example.ts')}\`\`\``);
});

test('the example does what it says, across a crash', async () => {
  const [raft, kv] = [new MemoryEngine(), new MemoryEngine()];
  const entryOf = (index: number, text: string): eraftpb.Entry =>
    eraftpb.Entry.create({ term: 5, index, data: Buffer.from(text) });
  await append(raft, [entryOf(1, 'b'), entryOf(2, 'x'), entryOf(3, 'y')], 0);
  await append(raft, [entryOf(2, 'a')], 3);
  raft.disk.crash();
  await apply(new MemoryEngine(raft.disk), kv, 0, 2);
  kv.disk.crash();
  const recovered = new MemoryEngine(kv.disk);
  const found: string[] = [];
  for await (const key of keys(recovered)) found.push(key);
  expect(found).toEqual(['a', 'b']);
  expect(readApplyState(recovered, 1)?.appliedIndex).toBe(2);
});
