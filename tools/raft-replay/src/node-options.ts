import type { ConfState, ReadOnlyMode, Snapshot } from '@flotilla/raft';
import { CommandError, parseBoolean, parseWhole, requireValue } from './arguments.ts';
import type { NodeOptions } from './interaction-node.ts';
import { quoteText } from './quote.ts';
import type { ScenarioCase } from './scenario.ts';

/** What `add-nodes` asks for. */
export interface NodesToAdd {
  readonly count: number;
  readonly options: NodeOptions;
  /** The snapshot that the nodes start from, if any. */
  readonly bootstrap: Snapshot | undefined;
}

type Mutable<T> = { -readonly [Field in keyof T]: T[Field] };

interface Draft {
  readonly options: Mutable<NodeOptions>;
  readonly confState: Mutable<ConfState>;
  index: number;
  content: string;
}

const defaults: NodeOptions = {
  electionTick: 3,
  heartbeatTick: 1,
  maxSizePerMessage: Number.POSITIVE_INFINITY,
  maxInflightMessages: 2 ** 31 - 1,
  maxInflightBytes: Number.POSITIVE_INFINITY,
  maxUncommittedEntriesSize: Number.POSITIVE_INFINITY,
  maxCommittedSizePerReady: Number.POSITIVE_INFINITY,
  maxPendingReads: 4096,
  checkQuorum: false,
  preVote: false,
  readOnly: 'safe',
  disableProposalForwarding: false,
  disableConfChangeValidation: false,
  stepDownOnRemoval: false,
  withholdRemovals: false,
  asyncStorageWrites: false,
  batchAppends: false,
  numberHeartbeats: false,
  quietStartTicks: 0,
};

type Setter = (draft: Draft, value: string, values: readonly string[]) => void;

/** A setter of one option. */
function option<Field extends keyof NodeOptions>(field: Field, parse: (value: string) => NodeOptions[Field]): Setter {
  return (draft, value) => {
    draft.options[field] = parse(value);
  };
}

const setters: ReadonlyMap<string, Setter> = new Map<string, Setter>([
  [
    'voters',
    (draft, _value, values) => {
      draft.confState.voters = values.map(parseWhole);
    },
  ],
  [
    'learners',
    (draft, _value, values) => {
      draft.confState.learners = values.map(parseWhole);
    },
  ],
  [
    'index',
    (draft, value) => {
      draft.index = parseWhole(value);
    },
  ],
  [
    'content',
    (draft, value) => {
      draft.content = value;
    },
  ],
  ['inflight', option('maxInflightMessages', parseWhole)],
  ['async-storage-writes', option('asyncStorageWrites', parseBoolean)],
  ['prevote', option('preVote', parseBoolean)],
  ['checkquorum', option('checkQuorum', parseBoolean)],
  ['max-committed-size-per-ready', option('maxCommittedSizePerReady', parseWhole)],
  ['disable-conf-change-validation', option('disableConfChangeValidation', parseBoolean)],
  ['read-only', option('readOnly', parseReadOnly)],
  ['step-down-on-removal', option('stepDownOnRemoval', parseBoolean)],
]);

/** Reads the arguments of `add-nodes`. */
export function readNodesToAdd(test: ScenarioCase): NodesToAdd {
  const draft: Draft = {
    options: { ...defaults },
    confState: { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false },
    index: 0,
    content: '',
  };
  const [count, ...args] = test.args;
  if (count === undefined) throw new CommandError('how many nodes?');
  for (const argument of args) {
    if (argument.values.length === 0) continue;
    setters.get(argument.key)?.(draft, requireValue(argument), argument.values);
  }
  return { count: parseWhole(count.key), options: draft.options, bootstrap: bootstrapOf(draft) };
}

function bootstrapOf(draft: Draft): Snapshot | undefined {
  const { confState, index, content } = draft;
  const isEmpty = confState.voters.length === 0 && confState.learners.length === 0 && index === 0 && content === '';
  if (isEmpty) return undefined;
  if (index <= 1) throw new CommandError('index must be specified as > 1 due to bootstrap');
  return { data: new TextEncoder().encode(content), metadata: { confState, index, term: 1 } };
}

function parseReadOnly(value: string): ReadOnlyMode {
  if (value === 'safe') return 'safe';
  if (value === 'lease-based') return 'leaseBased';
  throw new CommandError(`invalid read-only option ${quoteText(value)}`);
}
