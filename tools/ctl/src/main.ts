import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { createPinoLogger, createSystemRuntime } from '@flotilla/runtime';
import { CommanderError } from 'commander';
import { connectCluster } from './connect-cluster.ts';
import { exitCode } from './exit-code.ts';
import { describeFailure } from './failure.ts';
import { runProgram } from './program.ts';
import { OutputClosedError, processTerminal } from './terminal.ts';

// The one module of this program that owns the process: its streams, its signals and its exit code.

const terminal = processTerminal(process);
const interrupt = new AbortController();
// Each of hundreds of records that wait for another attempt listens to it.
setMaxListeners(0, interrupt.signal);
/** Who gets the signals instead of this program: a command that it runs. */
let signalTaker: ((signal: NodeJS.Signals) => void) | undefined;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (signalTaker !== undefined) return signalTaker(signal);
    if (interrupt.signal.aborted) process.exit(exitCode.interrupted);
    interrupt.abort();
  });
}

/** Signals that mean nothing to this program alone. */
const passedOn = ['SIGQUIT', 'SIGUSR2', 'SIGWINCH', 'SIGTSTP', 'SIGCONT'] as const;

function takeSignals(handler: (signal: NodeJS.Signals) => void): () => void {
  signalTaker = handler;
  for (const signal of passedOn) process.on(signal, handler);
  return () => {
    signalTaker = undefined;
    for (const signal of passedOn) process.off(signal, handler);
  };
}

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const runtime = createSystemRuntime({
  logger: createPinoLogger({ level: 'warn', pretty: true, destination: process.stderr }),
});

async function runCommandLine(): Promise<number> {
  try {
    return await runProgram(process.argv.slice(2), {
      terminal,
      version,
      contextOf: (options) => ({
        terminal,
        runtime,
        options,
        interrupt: interrupt.signal,
        connect: () => connectCluster(options, runtime, interrupt.signal),
        coordinate: async () => {
          // Loaded when asked for only: it would cost every command a third of a second of the processor.
          const { connectCoordinator } = await import('./coordination/connect-coordinator.ts');
          return connectCoordinator(options, runtime);
        },
        takeSignals,
      }),
    });
  } catch (error) {
    // Commander has already said what is wrong; its code 0 is `--help` and `--version`.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
    throw error;
  }
}

async function run(): Promise<number> {
  try {
    const code = await runCommandLine();
    await terminal.flush();
    return code;
  } catch (error) {
    if (error instanceof OutputClosedError) return exitCode.ok;
    if (interrupt.signal.aborted) return exitCode.interrupted;
    const failure = describeFailure(error);
    terminal.writeError(`${terminal.style('error', 'red', 'error:')} ${failure.message}\n`);
    if (failure.hint !== undefined) terminal.writeError(`${terminal.style('error', 'dim', failure.hint)}\n`);
    if (failure.exitCode === exitCode.internal && error instanceof Error && error.stack !== undefined) {
      terminal.writeError(`${error.stack}\n`);
    }
    return failure.exitCode;
  }
}

process.exitCode = await run();
// Standard input may still be open, and would hold the process.
process.stdin.destroy();
