import { parseArgs } from 'node:util';

/** The systems that can be measured, in the order of a round. */
export const systems = ['etcd', 'grpc', 'embedded'] as const;
/** What does the work: etcd, the cluster over gRPC, or the cluster with the client in the leader's process. */
export type SystemName = (typeof systems)[number];

/** What clients can do. */
export const operations = ['put', 'get'] as const;
/** A put, or a linearizable get. */
export type OperationName = (typeof operations)[number];

/** What is measured, and how long. */
export interface ClusterBenchOptions {
  /** Measurements of each system in each setting; the median counts. */
  readonly rounds: number;
  /** Length of a measurement. */
  readonly seconds: number;
  /** Load before each measurement that is not counted. */
  readonly warmUpSeconds: number;
  /** Concurrent clients, one setting each. */
  readonly clients: readonly number[];
  readonly systems: readonly SystemName[];
  readonly operations: readonly OperationName[];
  /** Connections that the clients of the load generator share. */
  readonly connections: number;
  readonly valueBytes: number;
  /** Different keys, all of which exist before the first measurement. */
  readonly keys: number;
  readonly isJson: boolean;
  /** Where each storage node writes a CPU profile when it ends; none unless given. */
  readonly profileDirectory: string | undefined;
}

/** Arguments that cannot be used; `message` is for the user. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** What the arguments mean, for people. */
export const clusterUsage = `npm run bench -- [cluster] [options]

  --rounds N          measurements of each system in each setting; medians count (5)
  --seconds S         length of a measurement (3)
  --warm-up S         load before each measurement (1)
  --clients N,N,…     concurrent clients (1,100,1000)
  --only NAME,NAME,…  systems etcd, grpc, embedded and operations put, get (all)
  --connections N     connections that the load generator's clients share (4)
  --value-bytes N     size of a value (256)
  --keys N            different keys (10000)
  --profile DIR       have each storage node write a CPU profile there
  --json              print everything that was measured as JSON`;

/**
 * Reads the arguments after the suite's name.
 *
 * @throws {UsageError} naming the argument.
 */
export function parseClusterOptions(args: readonly string[]): ClusterBenchOptions {
  const values = valuesOf(args);
  const only = listOf(values.only);
  const known: readonly string[] = [...systems, ...operations];
  for (const name of only) {
    if (!known.includes(name)) throw new UsageError(`--only: ${name} is none of ${known.join(', ')}`);
  }
  return {
    rounds: wholeNumber('--rounds', values.rounds, 1, 1_000),
    seconds: seconds('--seconds', values.seconds, 0.1),
    warmUpSeconds: seconds('--warm-up', values['warm-up'], 0),
    clients: listOf(values.clients).map((text) => wholeNumber('--clients', text, 1, 100_000)),
    systems: chosen(systems, only),
    operations: chosen(operations, only),
    connections: wholeNumber('--connections', values.connections, 1, 1_000),
    valueBytes: wholeNumber('--value-bytes', values['value-bytes'], 0, 1024 * 1024),
    keys: wholeNumber('--keys', values.keys, 1, 10_000_000),
    isJson: values.json,
    profileDirectory: values.profile,
  };
}

function valuesOf(args: readonly string[]) {
  const text = (otherwise: string) => ({ type: 'string', default: otherwise }) as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        rounds: text('5'),
        seconds: text('3'),
        'warm-up': text('1'),
        clients: text('1,100,1000'),
        only: text(''),
        connections: text('4'),
        'value-bytes': text('256'),
        keys: text('10000'),
        profile: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Those of `all` that are named, or all of them when none is. */
function chosen<Name extends string>(all: readonly Name[], names: readonly string[]): readonly Name[] {
  const named = all.filter((name) => names.includes(name));
  return named.length === 0 ? all : named;
}

function listOf(text: string): string[] {
  return text.split(',').filter((part) => part !== '');
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new UsageError(`${name}: ${text} is no whole number from ${least} to ${most}`);
  }
  return value;
}

function seconds(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value < least || value > 3_600) {
    throw new UsageError(`${name}: ${text} is no number of seconds from ${least} to 3600`);
  }
  return value;
}
