import { eraftpb } from '@flotilla/protocol';
import type { ConfState, Entry, EntryType, Message, MessageType, Snapshot } from '@flotilla/raft';

const { EntryType: WireEntryType, MessageType: Wire } = eraftpb;

/** Message types that travel between stores; the others stay within a peer. */
const wireTypes: readonly (readonly [MessageType, eraftpb.MessageType])[] = [
  ['MsgApp', Wire.MsgAppend],
  ['MsgAppResp', Wire.MsgAppendResponse],
  ['MsgVote', Wire.MsgRequestVote],
  ['MsgVoteResp', Wire.MsgRequestVoteResponse],
  ['MsgPreVote', Wire.MsgPreVote],
  ['MsgPreVoteResp', Wire.MsgPreVoteResponse],
  ['MsgSnap', Wire.MsgSnapshot],
  ['MsgHeartbeat', Wire.MsgHeartbeat],
  ['MsgHeartbeatResp', Wire.MsgHeartbeatResponse],
  ['MsgTimeoutNow', Wire.MsgTimeoutNow],
  ['MsgReadIndex', Wire.MsgReadIndex],
  ['MsgReadIndexResp', Wire.MsgReadIndexResponse],
];
const toWireType = new Map(wireTypes);
const fromWireType = new Map(wireTypes.map(([type, wire]) => [wire, type]));

/** The wire form of a message, or `undefined` for one that never leaves its store. Entry bytes are shared, not copied. */
export function toWireMessage(message: Message): eraftpb.Message | undefined {
  const msgType = toWireType.get(message.type);
  if (msgType === undefined) return undefined;
  return {
    msgType,
    to: message.to,
    from: message.from,
    term: message.term,
    logTerm: message.logTerm,
    index: message.index,
    entries: message.entries.map(toWireEntry),
    commit: message.commit,
    snapshot: message.snapshot === undefined ? undefined : toWireSnapshot(message.snapshot),
    reject: message.reject,
    rejectHint: message.rejectHint,
    context: message.context ?? empty,
    vote: message.vote,
  };
}

/**
 * The core's form of a message from another store, or `undefined` for a type that has no business arriving from there.
 *
 * @throws {RangeError} when an entry is of an unknown type.
 */
export function fromWireMessage(message: eraftpb.Message): Message | undefined {
  const type = fromWireType.get(message.msgType);
  if (type === undefined) return undefined;
  return {
    type,
    to: message.to,
    from: message.from,
    term: message.term,
    logTerm: message.logTerm,
    index: message.index,
    entries: message.entries.map(fromWireEntry),
    commit: message.commit,
    vote: message.vote,
    snapshot: message.snapshot === undefined ? undefined : fromWireSnapshot(message.snapshot),
    reject: message.reject,
    rejectHint: message.rejectHint,
    context: message.context.length === 0 ? undefined : message.context,
    responses: [],
  };
}

const empty = new Uint8Array(0);

/** The wire form of an entry; its bytes are shared. */
export function toWireEntry(entry: Entry): eraftpb.Entry {
  return { entryType: entryTypes[entry.type], term: entry.term, index: entry.index, data: entry.data };
}

const entryTypes: Readonly<Record<EntryType, eraftpb.EntryType>> = {
  normal: WireEntryType.EntryNormal,
  confChange: WireEntryType.EntryConfChange,
  confChangeV2: WireEntryType.EntryConfChangeV2,
};

/** @throws {RangeError} for a type that this version does not know: ignoring the entry would make replicas differ. */
export function fromWireEntry(entry: eraftpb.Entry): Entry {
  return { type: fromWireEntryType(entry.entryType), term: entry.term, index: entry.index, data: entry.data };
}

function fromWireEntryType(type: eraftpb.EntryType): EntryType {
  if (type === WireEntryType.EntryNormal) return 'normal';
  if (type === WireEntryType.EntryConfChange) return 'confChange';
  if (type === WireEntryType.EntryConfChangeV2) return 'confChangeV2';
  throw new RangeError(`entry type ${String(type)} is unknown`);
}

function toWireSnapshot(snapshot: Snapshot): eraftpb.Snapshot {
  const { confState, index, term } = snapshot.metadata;
  return {
    data: snapshot.data,
    metadata: {
      confState: {
        nodes: confState.voters,
        learners: confState.learners,
        votersOutgoing: confState.votersOutgoing,
        learnersNext: confState.learnersNext,
        autoLeave: confState.autoLeave,
      },
      index,
      term,
    },
  };
}

function fromWireSnapshot(snapshot: eraftpb.Snapshot): Snapshot {
  const { confState, index, term } = snapshot.metadata ?? eraftpb.SnapshotMetadata.create();
  return { data: snapshot.data, metadata: { confState: fromWireConfState(confState), index, term } };
}

function fromWireConfState(confState: eraftpb.ConfState | undefined): ConfState {
  return {
    voters: confState?.nodes ?? [],
    learners: confState?.learners ?? [],
    votersOutgoing: confState?.votersOutgoing ?? [],
    learnersNext: confState?.learnersNext ?? [],
    autoLeave: confState?.autoLeave ?? false,
  };
}
