import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CommandCluster } from '../src/command-cluster.ts';
import { consoleSteps } from '../src/console-example.ts';
import { programs } from '../src/programs.ts';

let cluster: CommandCluster;
let bin: string;
beforeAll(async () => {
  cluster = await CommandCluster.start(1);
  // Stands in for npx, which would look into the registry from a directory outside of the checkout.
  bin = join(cluster.directory, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'npx'), `#!/bin/sh\nshift\nexec '${process.execPath}' '${programs.flotilla}' "$@"\n`);
  await chmod(join(bin, 'npx'), 0o755);
}, 120_000);
afterAll(() => cluster?.close());

test('the commands of the README print what it shows', async () => {
  const readme = await readFile(new URL('../../../tools/ctl/README.md', import.meta.url), 'utf8');
  const steps = consoleSteps(readme);
  expect(steps.length).toBeGreaterThan(5);
  for (const { command, output } of steps) {
    const { stdout, stderr } = spawnSync('sh', ['-c', command], {
      encoding: 'utf8',
      env: {
        PATH: `${bin}${delimiter}${process.env['PATH']}`,
        FLOTILLA_SCHEDULER: cluster.schedulerAddress,
      },
    });
    // How long it took is not the same every time; and what a terminal ends with a line end, a pipe does not.
    const printed = `${stdout}${stderr}`.replace(/ in \d+ s.*/, ' in 0 s').replace(/(?<=.)$(?!\n)/, '\n');
    expect({ command, printed }).toEqual({ command, printed: output });
  }
});
