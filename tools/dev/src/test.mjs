// `npm test`: installs when needed, builds, and runs every check that must hold. Ends with `N passed, M failed`, which
// adds up the tests of all packages and one for each project's types, the lint, each house rule, and each verdict on a
// cluster of processes that harm is done to for two minutes.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bin, root, runToEnd, setUp } from './setup.mjs';
import { clearTestReports, readTestReports } from './test-reports.mjs';

const steps = [];

function step(name, action) {
  process.stdout.write(`\n== ${name}\n`);
  const startedAt = performance.now();
  const outcome = action();
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  steps.push({ name, seconds, ...outcome });
  process.stdout.write(`-- ${name}: ${outcome.passed} passed, ${outcome.failed} failed (${seconds} s)\n`);
}

/** One check that holds or does not. */
function single(command, args) {
  return runToEnd(command, args).status === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

function nx(target, ...rest) {
  return (
    runToEnd(bin('nx'), ['run-many', '-t', target, '--output-style=static', '--nxBail=false', ...rest]).status === 0
  );
}

/** Runs a test target and adds up the reports; a project that ended badly without a failed test counts as one failure. */
function tests(target, ...rest) {
  clearTestReports(root, target);
  const succeeded = nx(target, ...rest);
  const sum = readTestReports(root, target);
  return !succeeded && sum.failed === 0 ? { ...sum, failed: 1 } : sum;
}

function houseRules() {
  const checker = join(root, 'tools', 'house-rules', 'dist', 'main.js');
  if (!existsSync(checker)) return { passed: 0, failed: 1 };
  const result = runToEnd(process.execPath, [checker, '--summary-file', join(root, '.reports', 'house-rules.json')]);
  if (result.status !== 0 && result.status !== 1) return { passed: 0, failed: 1 };
  return JSON.parse(readFileSync(join(root, '.reports', 'house-rules.json'), 'utf8'));
}

/** Harm to real processes: every kind that the machine allows, in an order that is new each time and told with its seed. */
function chaos() {
  const program = join(root, 'test', 'chaos', 'dist', 'main.js');
  const summary = join(root, '.reports', 'chaos.json');
  const history = join(root, '.reports', 'chaos.ndjson');
  rmSync(summary, { force: true });
  runToEnd(process.execPath, [program, '--minutes', '2', '--summary-file', summary, '--history', history]);
  return existsSync(summary) ? JSON.parse(readFileSync(summary, 'utf8')) : { passed: 0, failed: 1 };
}

setUp();
step('build', () => (nx('build') ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }));
step('types', () => (nx('typecheck') ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }));
step('lint', () => single(bin('biome'), ['check', '.']));
step('house rules', houseRules);
step('unit and simulation tests', () => tests('test', '--parallel=2'));
step('end-to-end tests', () => tests('e2e', '--parallel=1'));
step('chaos', chaos);

process.stdout.write('\n');
for (const { name, seconds, passed, failed, skipped = 0 } of steps) {
  const skips = skipped > 0 ? `, ${skipped} skipped` : '';
  process.stdout.write(
    `${name.padEnd(28)}${`${passed} passed, ${failed} failed${skips}`.padEnd(36)}${seconds.padStart(8)} s\n`,
  );
}
const total = (field) => steps.reduce((sum, entry) => sum + entry[field], 0);
process.stdout.write(`\n${total('passed')} passed, ${total('failed')} failed\n`);
process.exitCode = total('failed') === 0 ? 0 : 1;
