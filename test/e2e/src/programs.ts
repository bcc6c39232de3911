import { fileURLToPath } from 'node:url';

/** The commands as they are installed: what `npx` would run. */
export const programs = {
  chaos: pathOf('../../chaos/dist/main.js'),
  flotilla: pathOf('../../../tools/ctl/bin/flotilla.js'),
  node: pathOf('../../../apps/storage-node/bin/flotilla-node.js'),
  scheduler: pathOf('../../../apps/scheduler/bin/flotilla-scheduler.js'),
} as const;

function pathOf(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}
