import { readFile, writeFile } from 'node:fs/promises';
import { printDifference } from './difference.ts';
import { findScenarios, type ScenarioFile } from './find-scenarios.ts';
import { replayScenario, rewriteScenario } from './replay.ts';

const usage = `usage: npm run raft:replay -- [--rewrite] FOLDER...

Replays every scenario file (*.txt in a folder named interaction, confchange or quorum) under the folders against the
raft core. --rewrite puts what came out in place of what is expected.
`;

const args = process.argv.slice(2);
const isRewriting = args.includes('--rewrite');
const folders = args.filter((argument) => !argument.startsWith('--'));
const unknown = args.find((argument) => argument.startsWith('--') && argument !== '--rewrite');

if (unknown !== undefined) {
  process.stderr.write(`unknown option ${unknown}\n${usage}`);
  process.exitCode = 64;
} else if (folders.length === 0) {
  process.stderr.write(usage);
  process.exitCode = 64;
} else {
  process.exitCode = await replayAll();
}

async function replayAll(): Promise<number> {
  let passed = 0;
  let failed = 0;
  let scenarios: readonly ScenarioFile[];
  try {
    scenarios = await findScenarios(folders);
  } catch (error) {
    process.stderr.write(`cannot read the scenarios: ${(error as Error).message}\n`);
    return 66;
  }
  if (scenarios.length === 0) process.stderr.write(`no scenario files under ${folders.join(' ')}\n`);
  for (const { path, kind } of scenarios) {
    const text = await readFile(path, 'utf8');
    if (isRewriting) await writeFile(path, rewriteScenario(kind, text));
    const failure = isRewriting ? undefined : replayScenario(kind, text);
    if (failure === undefined) {
      passed += 1;
      process.stdout.write(`ok   ${path}\n`);
    } else {
      failed += 1;
      process.stdout.write(`FAIL ${path}:${failure.line} ${failure.command}\n${printDifference(failure)}`);
    }
  }
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed > 0 || scenarios.length === 0 ? 1 : 0;
}
