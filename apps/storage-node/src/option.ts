import { type ProgramOption, programOption } from '@flotilla/program';
import type { StorageNodeConfig } from './config.ts';

/** One option of a node, in a group of the help. */
export interface NodeOption extends ProgramOption<keyof StorageNodeConfig> {
  readonly group: 'Node' | 'Cluster' | 'Logs' | 'Raft';
}

type Row = readonly [NodeOption['key'], NodeOption['argument'], NodeOption['description']];

const nodeRows: readonly Row[] = [
  ['dataDir', '<path>', 'where the node keeps everything'],
  ['listen', '<host:port>', 'gRPC, for clients and other stores'],
  ['advertise', '<host:port>', 'where others reach it, if not at the address it listens on'],
  ['http', '<host:port>', '/livez, /readyz, /metrics and /status'],
  ['shutdownTimeoutMs', '<ms>', 'the longest a shutdown spends on handing leadership away'],
];
const clusterRows: readonly Row[] = [
  ['scheduler', '<host:port>', "the cluster's scheduler; without it the node runs one of its own"],
  ['schedulerListen', '<host:port>', 'where the scheduler inside the node listens'],
  ['maxPeerCount', '<replicas>', 'replicas of each region in a new cluster of the scheduler inside'],
  [
    'coordination',
    '<on|off>',
    'locks, registry and configuration for applications; the same on all nodes, from the first on',
  ],
];
const logRows: readonly Row[] = [
  ['logLevel', '<level>', 'trace, debug, info, warn, error or fatal'],
  ['logFormat', '<format>', 'pretty, json, or auto: pretty on a terminal'],
];
const raftRows: readonly Row[] = [
  ['tickIntervalMs', '<ms>', 'one raft tick'],
  ['electionTicks', '<ticks>', 'silence of the leader after which a follower campaigns, times 1 to 2'],
  ['heartbeatTicks', '<ticks>', "ticks between a leader's heartbeats"],
  ['logGcIntervalMs', '<ms>', 'how often a leader considers compacting its log'],
  ['logGcThreshold', '<entries>', 'applied entries held by every replica before they are compacted'],
  ['logGcMaxEntries', '<entries>', 'entries kept for a slow follower before a snapshot serves it'],
  ['regionMaxBytes', '<bytes>', 'size from which on a region is split'],
  ['regionSplitBytes', '<bytes>', 'size of the parts of a region that is split'],
  ['splitCheckIntervalMs', '<ms>', 'how often a leader considers having its region measured'],
  ['regionHeartbeatIntervalMs', '<ms>', 'how often leaders report their regions to the scheduler'],
  ['hibernateAfterMs', '<ms>', 'how long a region is idle before it hibernates; 0 keeps all awake'],
  ['idleRegionHeartbeatIntervalMs', '<ms>', 'how often leaders report regions that hibernate'],
  ['storeHeartbeatIntervalMs', '<ms>', 'how often the store reports itself to the scheduler'],
];

const textKeys = new Set<NodeOption['key']>([
  'dataDir',
  'listen',
  'advertise',
  'http',
  'scheduler',
  'schedulerListen',
  'coordination',
  'logLevel',
  'logFormat',
]);

/** Every option of a node, in the order of the help. */
export const nodeOptions: readonly NodeOption[] = [
  ...rowsOf('Node', nodeRows),
  ...rowsOf('Cluster', clusterRows),
  ...rowsOf('Logs', logRows),
  ...rowsOf('Raft', raftRows),
];

function rowsOf(group: NodeOption['group'], rows: readonly Row[]): NodeOption[] {
  return rows.map(([key, argument, description]) => {
    const type = textKeys.has(key) ? 'text' : 'number';
    return { ...programOption('FLOTILLA_', { key, argument, type, description }), group };
  });
}
