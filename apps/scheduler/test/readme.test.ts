import { readFileSync } from 'node:fs';
import { exitCode } from '@flotilla/program';
import { expect, test } from 'vitest';
import { defaultSchedulerAppConfig } from '../src/config.ts';
import { schedulerOptions } from '../src/option.ts';
import { startProcess, temporaryDirectory } from './scheduler-process.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8').replaceAll(/ +/g, ' ');

test.each(schedulerOptions)('the README tells $flag, its variable and its default', ({ key, flag, environment }) => {
  const standard = defaultSchedulerAppConfig[key];
  const shown = standard === undefined ? '' : `\`${standard}\` `;
  expect(readme).toContain(`| \`${flag}\` | \`${environment}\` | ${shown}|`);
});

test('the README tells every exit code', () => {
  const told = readme.slice(readme.indexOf('Exit codes:'));
  for (const code of Object.values(exitCode)) expect(told).toMatch(new RegExp(`\\b${code} [a-z]`));
});

test("the README's command starts a scheduler", async () => {
  const command = /```sh\nnpx flotilla-scheduler (.+)\n```/.exec(readme)?.[1];
  const args = command
    ?.replace('./data/scheduler', await temporaryDirectory())
    .replace(':7400', ':0')
    .split(' ');
  const { listen } = await startProcess([...(args ?? []), '--http', '127.0.0.1:0']).serving;
  expect(listen).toMatch(/^127\.0\.0\.1:\d+$/);
});
