import { readFile } from 'node:fs/promises';
import { HopelessError, type ProcessUnderTest, waitUntil } from '@flotilla/test-harness';

/** Waits until the checkpoint that `load` keeps beside `file` is past `lines`; returns the line it is at. */
export function checkpointPast(load: ProcessUnderTest, file: string, lines: number): Promise<number> {
  return waitUntil(
    `a checkpoint past line ${lines}`,
    async () => {
      if (load.hasEnded) throw new HopelessError(`the load ended early:\n${load.errors}`);
      const { line } = JSON.parse(await readFile(`${file}.flotilla-load.json`, 'utf8')) as { readonly line: number };
      return line > lines ? line : undefined;
    },
    240_000,
  );
}
