import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommandError } from '../command-context.ts';
import { exitCode } from '../exit-code.ts';

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
  /** Loopback ports that it listens on. */
  readonly ports: readonly number[];
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
  const scheduler = processPlan('scheduler', 'flotilla-scheduler', options.basePort, [
    ['--data-dir', join(options.dataDir, 'scheduler')],
    ['--listen', schedulerAddress],
    ['--http', `127.0.0.1:${options.basePort + 1}`],
    logs,
  ]);
  const nodes = Array.from({ length: options.nodes }, (_, position) => {
    const port = options.basePort + 10 * (position + 1);
    const name = `node-${position + 1}`;
    return processPlan(name, 'flotilla-node', port, [
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
  command: string,
  port: number,
  options: readonly (readonly string[])[],
): ProcessPlan {
  const args = options.flat();
  return {
    name,
    args: [findCommand(command), ...args],
    commandLine: ['npx', command, ...args].join(' '),
    readyUrl: `http://127.0.0.1:${port + 1}/readyz`,
    address: `127.0.0.1:${port}`,
    ports: [port, port + 1],
  };
}

/**
 * The program behind a command that npm has installed beside this one, found as npx finds it: in the nearest
 * `node_modules/.bin`. The playground starts other commands; it does not depend on their packages.
 *
 * @throws {CommandError} when it is not there.
 */
export function findCommand(command: string, from = fileURLToPath(import.meta.url)): string {
  for (let directory = dirname(from); ; directory = dirname(directory)) {
    const path = join(directory, 'node_modules', '.bin', command);
    if (existsSync(path)) return realpathSync(path);
    if (directory === dirname(directory)) {
      throw new CommandError(`the command ${command} is not installed beside this one`, exitCode.internal);
    }
  }
}
