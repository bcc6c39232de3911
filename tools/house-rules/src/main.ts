import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readCheckout } from './checkout.ts';
import { rules } from './rules.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const tree = readCheckout(root);
const results = rules.map((rule) => ({ rule, violations: rule.check(tree) }));
for (const { rule, violations } of results) {
  process.stdout.write(`${violations.length === 0 ? 'ok  ' : 'FAIL'} ${rule.name}\n`);
  for (const { path, line, message } of violations) {
    process.stdout.write(`     ${line > 0 ? `${path}:${line}` : path}: ${message}\n`);
  }
}
const failed = results.filter(({ violations }) => violations.length > 0).length;
const passed = results.length - failed;
process.stdout.write(`${passed} passed, ${failed} failed\n`);
const flag = process.argv.indexOf('--summary-file');
const summaryFile = flag < 0 ? undefined : process.argv[flag + 1];
if (summaryFile !== undefined) {
  mkdirSync(dirname(summaryFile), { recursive: true });
  writeFileSync(summaryFile, JSON.stringify({ passed, failed }));
}
process.exitCode = failed === 0 ? 0 : 1;
