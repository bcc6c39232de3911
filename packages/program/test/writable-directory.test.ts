import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeWritable } from '../src/writable-directory.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'flotilla-program-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const refuse = (message: string, options: ErrorOptions) => new RangeError(message, options);

test('makes the directory and leaves nothing in it', async () => {
  await makeWritable(join(root, 'deep', 'data'), refuse);
  expect(await readdir(join(root, 'deep', 'data'))).toEqual([]);
});

test('refuses in words of the program', async () => {
  const path = join(root, 'file', 'data');
  await writeFile(join(root, 'file'), '');
  const refusal = await makeWritable(path, refuse).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(RangeError);
  expect(refusal).toMatchObject({
    message: expect.stringContaining(`cannot write to the data directory ${path}: ENOTDIR`),
    cause: { code: 'ENOTDIR' },
  });
});
