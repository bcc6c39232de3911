// Adds up what vitest reported for every project that has a given target.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const folders = ['packages', 'apps', 'tools', 'test'];

function projectsWith(root, target) {
  return folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(root, folder, name)))
    .filter((directory) => existsSync(join(directory, 'package.json')))
    .filter((directory) => {
      const { scripts } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
      return scripts?.[target] !== undefined;
    });
}

/** Removes earlier reports, so that a run that writes none cannot pass for one that did; nx restores those it has cached. */
export function clearTestReports(root, target) {
  for (const directory of projectsWith(root, target))
    rmSync(join(directory, '.reports'), { recursive: true, force: true });
}

/** Passed, failed and skipped tests; a project without a report, or whose report holds no test, counts as one failure. */
export function readTestReports(root, target) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const directory of projectsWith(root, target)) {
    const file = join(directory, '.reports', 'vitest.json');
    const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
    if (report === undefined || report.numTotalTests === 0) {
      process.stdout.write(`no test ran in ${directory}\n`);
      sum.failed += 1;
      continue;
    }
    sum.passed += report.numPassedTests;
    sum.failed += report.numFailedTests;
    sum.skipped += report.numPendingTests + (report.numTodoTests ?? 0);
    if (!report.success && report.numFailedTests === 0) sum.failed += 1;
  }
  return sum;
}
