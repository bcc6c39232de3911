import type { Coordinator } from '@flotilla/coordination';
import type { Runtime } from '@flotilla/runtime';
import type { ClusterConnection } from './cluster-connection.ts';
import type { ExitCode } from './exit-code.ts';
import type { Terminal } from './terminal.ts';

/** Options that stand before or after any command. */
export interface GlobalOptions {
  /** Address of the scheduler, host:port. */
  readonly scheduler: string;
  /** Addresses of etcd, instead of the cluster's own coordination. */
  readonly etcd?: readonly string[] | undefined;
  /** A user of etcd and the password, as `NAME:PASSWORD`. */
  readonly etcdUser?: string | undefined;
  /** The longest that one request waits, in milliseconds. */
  readonly timeoutMs: number;
  /** Prints results as JSON. */
  readonly json: boolean;
}

/** What every command works with. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly runtime: Runtime;
  readonly options: GlobalOptions;
  /** Aborts at the first Ctrl-C. A second one ends the process without asking the command. */
  readonly interrupt: AbortSignal;
  connect(): Promise<ClusterConnection>;
  /** Registry, locks and configuration of the cluster, or of etcd where the options name one. */
  coordinate(): Promise<Coordinator>;
  /** Hands the signals of this process to `handler`, which Ctrl-C then reaches too, until the returned function is called. */
  takeSignals(handler: (signal: NodeJS.Signals) => void): () => void;
}

/** Runs to an exit code, one of `exitCode` or that of a command that it ran; rejects with an error that `describeFailure` turns into a message and an exit code. */
export type Command<Arguments> = (context: CommandContext, args: Arguments) => Promise<number>;

/** Runs `work` with a connection, which is closed whatever happens. */
export async function withConnection<T>(
  context: CommandContext,
  work: (connection: ClusterConnection) => Promise<T>,
): Promise<T> {
  const connection = await context.connect();
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

/** The command line or its input asks for something that cannot be; shown without a stack. */
export class CommandError extends Error {
  readonly exitCode: ExitCode;
  /** What to try. */
  readonly hint: string | undefined;

  constructor(message: string, exitCode: ExitCode, options: ErrorOptions & { readonly hint?: string } = {}) {
    super(message, options);
    this.name = 'CommandError';
    this.exitCode = exitCode;
    this.hint = options.hint;
  }
}
