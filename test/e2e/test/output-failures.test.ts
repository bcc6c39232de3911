import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { ProcessUnderTest } from '@flotilla/test-harness';
import { expect, test } from 'vitest';
import { programs } from '../src/programs.ts';

test.each(Object.entries(programs))('the help of %s ends quietly when nobody reads it', async (name, program) => {
  const child = new ProcessUnderTest(name, [program, '--help']);
  child.closeOutput();
  const { code, errors } = await child.ended;
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
});

test.skipIf(!existsSync('/dev/full'))('output that cannot be written is no success', () => {
  const { status, stderr } = spawnSync('sh', ['-c', '"$NODE" "$FLOTILLA" --help > /dev/full'], {
    encoding: 'utf8',
    env: { NODE: process.execPath, FLOTILLA: programs.flotilla },
  });
  expect(stderr).toMatch(/^error: cannot write the output: ENOSPC/);
  expect(status).toBe(74);
});
