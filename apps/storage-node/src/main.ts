import { readFileSync } from 'node:fs';
import {
  type CommandLine,
  createProgramLogger,
  isPrettyLog,
  OptionsError,
  readCommandLine,
  showsColour,
  stopOnRequest,
} from '@flotilla/program';
import { createSystemRuntime } from '@flotilla/runtime';
import { routeGrpcLogs } from '@flotilla/server';
import { CommanderError } from 'commander';
import { bannerOf } from './banner.ts';
import type { StorageNodeConfig } from './config.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { type NodeError, toNodeError } from './node-error.ts';
import { startStorageNode } from './start-storage-node.ts';
import type { StorageNode } from './storage-node.ts';
import { storageNodeProgram } from './storage-node-program.ts';

// The one module of this program that owns the process: its streams, its signals and its exit code.

/** What a shutdown may take beyond the handing over of leadership before it is cut off. */
const closeTimeoutMs = 20_000;

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const isTty = process.stdout.isTTY === true;
const hasColour = showsColour(isTty, process.env);

// Whoever reads the output may go away, as a terminal does when it closes; the node goes on.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

function commandLineOrExit(): CommandLine<StorageNodeConfig> {
  try {
    return readCommandLine(storageNodeProgram, process.argv.slice(2), process.env, {
      version,
      writeOut: (text) => process.stdout.write(text),
      writeError: (text) => process.stderr.write(text),
    });
  } catch (error) {
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : exitCode.invalidOptions);
    if (!(error instanceof OptionsError)) throw error;
    process.stderr.write(`flotilla-node: ${error.lines.length === 1 ? 'an option is' : 'options are'} invalid\n`);
    for (const line of error.lines) process.stderr.write(`  ${line}\n`);
    process.stderr.write('(flotilla-node --help lists the options)\n');
    process.exit(exitCode.invalidOptions);
  }
}

const { config, printConfig } = commandLineOrExit();
if (printConfig) {
  process.stdout.write(`${JSON.stringify(config, undefined, 2)}\n`);
  process.exit(0);
}

const isPretty = isPrettyLog(config, isTty);
const logger = createProgramLogger(config, { isTerminal: isTty, showsColour: hasColour });
routeGrpcLogs(logger);
const runtime = createSystemRuntime({ logger });
const starting = new AbortController();
let started: Promise<StorageNode> | undefined;
let outcome: ExitCode = exitCode.stopped;

const requestStop = stopOnRequest(process, {
  timeoutMs: config.shutdownTimeoutMs + closeTimeoutMs,
  stopsWhenIdle: false,
  onSecondSignal: (signal) => {
    logger.warn('forced to stop', { signal });
    process.exit(exitCode.forced);
  },
  onSecondError: (error) => {
    logger.fatal('an error ended the shutdown', { error });
    process.exit(exitCode.internal);
  },
  onTimeout: () => {
    logger.error('the shutdown took too long and was cut off');
    process.exit(exitCode.internal);
  },
  stop: async ({ signal, error }) => {
    if (error !== undefined) outcome = refuse(toNodeError('an unexpected error', error));
    if (signal !== undefined) logger.info('stopping; a second signal forces', { signal });
    starting.abort();
    // A start that was given up, or has failed, has let go of everything itself.
    const node = await started?.catch(() => undefined);
    await node?.close();
    if (signal !== undefined) logger.info('stopped');
    process.exit(outcome);
  },
});

try {
  started = startStorageNode(config, runtime, { version, signal: starting.signal });
  const node = await started;
  if (isTty && isPretty) process.stdout.write(bannerOf(node, config, version, hasColour));
  else logger.info('the node is ready', { ...node.addresses, clusterId: node.clusterId, storeId: node.storeId });
  outcome = refuse(await node.failed);
  requestStop();
} catch (error) {
  if (!starting.signal.aborted) {
    outcome = refuse(toNodeError('the node cannot start', error));
    process.exit(outcome);
  }
}

/** Says why the node stops: to people in one line, to machines as a log line; the stack only where it helps. */
function refuse(error: NodeError): ExitCode {
  if (error.code === 'internal') logger.fatal(error.message, { error });
  else if (isPretty) process.stderr.write(`flotilla-node: ${error.message}\n`);
  else logger.fatal(error.message, { code: error.code });
  return error.exitCode;
}
