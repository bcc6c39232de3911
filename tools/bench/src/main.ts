import { clusterUsage, UsageError } from './cluster/options.ts';
import { suites } from './suites.ts';

const args = process.argv.slice(2);
const isNamed = args[0] !== undefined && !args[0].startsWith('-');
const suite = suites.get(isNamed ? (args[0] ?? '') : 'cluster');
const usage = `usage: npm run bench -- [SUITE] [options]\nsuites: ${[...suites.keys()].join(', ')}\n\n${clusterUsage}\n`;

if (args.includes('--help')) process.stdout.write(usage);
else if (suite === undefined) refuse(usage);
else {
  try {
    await suite((line) => process.stdout.write(`${line}\n`), isNamed ? args.slice(1) : args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    refuse(`${error.message}\n(npm run bench -- --help lists the options)\n`);
  }
}

function refuse(text: string): void {
  process.stderr.write(text);
  process.exitCode = 64;
}
