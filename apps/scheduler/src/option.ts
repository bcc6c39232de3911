import { type OptionRow, type ProgramOption, programOption } from '@flotilla/program';
import type { SchedulerAppConfig } from './config.ts';

type Key = keyof SchedulerAppConfig;

const rows: readonly OptionRow<Key>[] = [
  row('dataDir', '<path>', 'text', 'where the scheduler keeps everything'),
  row('listen', '<host:port>', 'text', 'gRPC, for stores and clients'),
  row('advertise', '<host:port>', 'text', 'where others reach it, if not at the address it listens on'),
  row('http', '<host:port>', 'text', '/livez, /readyz, /metrics and /status'),
  row('maxPeerCount', '<replicas>', 'number', 'replicas of each region in a new cluster'),
  row('maxStoreDownMs', '<ms>', 'number', 'silence after which the replicas of a store are replaced'),
  row('logLevel', '<level>', 'text', 'trace, debug, info, warn, error or fatal'),
  row('logFormat', '<format>', 'text', 'pretty, json, or auto: pretty on a terminal'),
  row('shutdownTimeoutMs', '<ms>', 'number', 'how long a shutdown waits for calls under way'),
];

/** Every option, in the order of the help. */
export const schedulerOptions: readonly ProgramOption<Key>[] = rows.map((each) =>
  programOption('FLOTILLA_SCHEDULER_', each),
);

function row(key: Key, argument: string, type: ProgramOption['type'], description: string): OptionRow<Key> {
  return { key, argument, type, description };
}
