import { suites } from './suites.ts';

const name = process.argv[2];
const suite = name === undefined ? undefined : suites.get(name);

if (suite === undefined) {
  process.stderr.write(`usage: npm run bench -- SUITE\nsuites: ${[...suites.keys()].join(', ')}\n`);
  process.exitCode = 64;
} else {
  await suite((line) => process.stdout.write(`${line}\n`));
}
