import { createRequire } from 'node:module';
import {
  type CommandLine,
  createProgramLogger,
  exitCode,
  OptionsError,
  readCommandLine,
  showsColour,
  stopOnRequest,
} from '@flotilla/program';
import { createSystemRuntime, type Logger } from '@flotilla/runtime';
import { routeGrpcLogs } from '@flotilla/server';
import { CommanderError } from 'commander';
import type { SchedulerAppConfig } from './config.ts';
import { schedulerProgram } from './scheduler-program.ts';
import { type SchedulerServer, startSchedulerServer } from './scheduler-server.ts';
import { StartError } from './start-error.ts';

/** How much longer than its calls a shutdown may take. */
const shutdownGraceMs = 5000;

// Whoever reads the output may go away; the scheduler goes on.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

await main();

async function main(): Promise<void> {
  const commandLine = parseArguments();
  if (commandLine === undefined) return;
  const { config, printConfig } = commandLine;
  if (printConfig) {
    process.stdout.write(`${JSON.stringify(config, undefined, 2)}\n`);
    return;
  }
  const isTerminal = process.stdout.isTTY === true;
  const logger = createProgramLogger(config, { isTerminal, showsColour: showsColour(isTerminal, process.env) });
  routeGrpcLogs(logger);
  try {
    await run(config, logger);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    if (error.code === 'internal') logger.fatal('the scheduler cannot start', { error });
    process.stderr.write(`flotilla-scheduler: ${error.message}\n`);
    process.exitCode = error.exitCode;
  }
}

async function run(config: SchedulerAppConfig, logger: Logger): Promise<void> {
  const server = await startSchedulerServer(config, createSystemRuntime({ logger }));
  stopOnSignal(server, config, logger);
  announce(server, logger);
}

/** The command line, or undefined when it has been answered or refused; the exit code is set then. */
function parseArguments(): CommandLine<SchedulerAppConfig> | undefined {
  const { version } = createRequire(import.meta.url)('../package.json') as { readonly version: string };
  try {
    return readCommandLine(schedulerProgram, process.argv.slice(2), process.env, {
      version,
      writeOut: (text) => void process.stdout.write(text),
      writeError: (text) => void process.stderr.write(text),
    });
  } catch (error) {
    if (error instanceof OptionsError) {
      const lines = error.lines.map((line) => `flotilla-scheduler: ${line}\n`);
      process.stderr.write(`${lines.join('')}(flotilla-scheduler --help lists the options)\n`);
      process.exitCode = exitCode.invalidOptions;
      return undefined;
    }
    if (!(error instanceof CommanderError)) throw error;
    // Commander has written what there is to say.
    process.exitCode = error.exitCode === 0 ? exitCode.stopped : exitCode.invalidOptions;
    return undefined;
  }
}

function announce(server: SchedulerServer, logger: Logger): void {
  const { clusterId, isBootstrapped, storeCount, regionCount } = server.core.status();
  logger.info('the scheduler serves gRPC', { listen: server.listen, clusterId, dataDir: server.dataDir });
  logger.info('it shows health, metrics and status over HTTP', { http: server.http });
  if (isBootstrapped) logger.info('the cluster is known from before', { storeCount, regionCount });
  else logger.info(`waiting for the first store: flotilla-node --scheduler ${server.listen}`);
}

function stopOnSignal(server: SchedulerServer, config: SchedulerAppConfig, logger: Logger): void {
  const forced = (reason: string): void => {
    logger.warn(`stopped before the shutdown was done: ${reason}`);
    process.exit(exitCode.forced);
  };
  stopOnRequest(process, {
    timeoutMs: config.shutdownTimeoutMs + shutdownGraceMs,
    stopsWhenIdle: true,
    onSecondSignal: (signal) => forced(`a second signal, ${signal}`),
    onSecondError: (error) => logger.fatal('a second failure during the shutdown', { error }),
    onTimeout: (delayMs) => forced(`it took more than ${delayMs} ms`),
    stop: async ({ signal, error: failure }) => {
      if (failure !== undefined) logger.fatal('an unforeseen failure ends the scheduler', { error: failure });
      else logger.info('shutting down', { signal });
      try {
        await server.close();
        logger.info('stopped');
      } catch (error) {
        logger.error('the shutdown failed', { error });
        process.exit(exitCode.internal);
      }
      if (failure !== undefined) process.exit(exitCode.internal);
    },
  });
}
