import type { SchedulerAppConfig } from './config.ts';

/** One option as people set it: on the command line, in the environment, in a file. */
export interface SchedulerOption {
  /** Its name in a configuration file. */
  readonly key: keyof SchedulerAppConfig;
  readonly flag: `--${string}`;
  readonly argument: string;
  readonly environment: `FLOTILLA_SCHEDULER_${string}`;
  readonly type: 'text' | 'number';
  readonly description: string;
}

/** Every option, in the order of the help. Flag and variable follow from the name, so that none can differ. */
export const schedulerOptions: readonly SchedulerOption[] = [
  option('dataDir', '<path>', 'text', 'where the scheduler keeps everything'),
  option('listen', '<host:port>', 'text', 'gRPC, for stores and clients'),
  option('advertise', '<host:port>', 'text', 'where others reach it, if not at the address it listens on'),
  option('http', '<host:port>', 'text', '/livez, /readyz, /metrics and /status'),
  option('maxPeerCount', '<replicas>', 'number', 'replicas of each region in a new cluster'),
  option('logLevel', '<level>', 'text', 'trace, debug, info, warn, error or fatal'),
  option('logFormat', '<format>', 'text', 'pretty, json, or auto: pretty on a terminal'),
  option('shutdownTimeoutMs', '<ms>', 'number', 'how long a shutdown waits for calls under way'),
];

function option(
  key: SchedulerOption['key'],
  argument: string,
  type: SchedulerOption['type'],
  description: string,
): SchedulerOption {
  const words = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const environment = `FLOTILLA_SCHEDULER_${words.replaceAll('-', '_').toUpperCase()}` as const;
  return { key, flag: `--${words}`, argument, environment, type, description };
}
