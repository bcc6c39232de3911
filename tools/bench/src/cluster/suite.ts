import { mkdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { findEtcd } from './etcd-cluster.ts';
import { measureClusters } from './measure.ts';
import { parseClusterOptions } from './options.ts';
import { renderSummary, summarize } from './report.ts';
import { Workshop } from './workshop.ts';

/**
 * Measures a cluster of three storage nodes, and three etcd processes beside it where there is etcd. Tells its progress on
 * standard error.
 *
 * @throws {UsageError} for arguments that it does not know.
 */
export async function runClusterSuite(print: (line: string) => void, args: readonly string[]): Promise<void> {
  const options = parseClusterOptions(args);
  const { timers } = createSystemRuntime({ logger: silentLogger });
  const note = (text: string): void => {
    process.stderr.write(`${text}\n`);
  };
  if (options.profileDirectory !== undefined) mkdirSync(options.profileDirectory, { recursive: true });
  const workshop = new Workshop();
  const giveUp = (signal: NodeJS.Signals): void => {
    note(`${signal}: ending`);
    void workshop.clear().finally(() => process.exit(130));
  };
  process.once('SIGINT', giveUp);
  process.once('SIGTERM', giveUp);
  try {
    const etcdCommand = findEtcd(process.env['PATH'] ?? '');
    const result = await measureClusters(options, { workshop, timers, etcdCommand, note });
    const summary = summarize(result);
    // Profiles are written by processes that end in order.
    if (options.profileDirectory !== undefined) await Promise.all(workshop.children.map((child) => child.stop()));
    if (options.isJson)
      print(JSON.stringify({ options, cpus: cpus().map(({ model }) => model), ...summary, ...result }));
    else print(renderSummary(summary));
  } finally {
    await workshop.clear();
    process.off('SIGINT', giveUp);
    process.off('SIGTERM', giveUp);
  }
}
