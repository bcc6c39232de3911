import { ProcessUnderTest } from '@flotilla/test-harness';
import { programs } from '../src/programs.ts';

/** The exit code and the output of one command line. */
export async function versionOf(): Promise<{ readonly code: number | null; readonly version: string }> {
  const { code, output } = await new ProcessUnderTest('flotilla', [programs.flotilla, '--version']).ended;
  return { code, version: output.toString().trim() };
}
