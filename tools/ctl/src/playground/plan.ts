import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** What a playground is made of. */
export interface PlaygroundOptions {
  readonly dataDir: string;
  /** The scheduler's port; node n listens at `basePort + 10 n` and serves HTTP one above. */
  readonly basePort: number;
  readonly nodes: number;
  /** Level of the children's log lines. */
  readonly logLevel: string;
}

/** One process of a playground. */
export interface ProcessPlan {
  readonly name: string;
  /** Arguments of `node`: the program and its options. */
  readonly args: readonly string[];
  /** The command a user would type for the same. */
  readonly commandLine: string;
  /** Answers 200 once the process serves. */
  readonly readyUrl: string;
  /** Where others reach it. */
  readonly address: string;
}

/** The processes of a playground: the scheduler first, then the nodes. */
export interface PlaygroundPlan {
  readonly scheduler: ProcessPlan;
  readonly nodes: readonly ProcessPlan[];
}

/** Lays out ports, directories and options. Everything is bound to loopback. */
export function planPlayground(options: PlaygroundOptions): PlaygroundPlan {
  const schedulerAddress = `127.0.0.1:${options.basePort}`;
  const logs = ['--log-level', options.logLevel, '--log-format', 'pretty'];
  const scheduler = processPlan('scheduler', '@flotilla/scheduler-app', 'flotilla-scheduler', options.basePort, [
    ['--data-dir', join(options.dataDir, 'scheduler')],
    ['--listen', schedulerAddress],
    ['--http', `127.0.0.1:${options.basePort + 1}`],
    logs,
  ]);
  const nodes = Array.from({ length: options.nodes }, (_, position) => {
    const port = options.basePort + 10 * (position + 1);
    const name = `node-${position + 1}`;
    return processPlan(name, '@flotilla/storage-node', 'flotilla-node', port, [
      ['--data-dir', join(options.dataDir, name)],
      ['--listen', `127.0.0.1:${port}`],
      ['--http', `127.0.0.1:${port + 1}`],
      ['--scheduler', schedulerAddress],
      logs,
    ]);
  });
  return { scheduler, nodes };
}

function processPlan(
  name: string,
  packageName: string,
  bin: string,
  port: number,
  options: readonly (readonly string[])[],
): ProcessPlan {
  const args = options.flat();
  const entry = createRequire(import.meta.url).resolve(packageName);
  // The entry is `dist/index.js`, or `src/index.ts` under the sources condition; `bin` lies beside either folder.
  const program = join(dirname(entry), '..', 'bin', `${bin}.js`);
  return {
    name,
    args: [program, ...args],
    commandLine: ['npx', bin, ...args].join(' '),
    readyUrl: `http://127.0.0.1:${port + 1}/readyz`,
    address: `127.0.0.1:${port}`,
  };
}
