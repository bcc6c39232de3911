import {
  appendThread,
  applyThread,
  type ConfChangeKind,
  type ConfState,
  decodeConfChange,
  type Entry,
  type Membership,
  type Message,
  type ProgressStatus,
  type Ready,
  type Role,
  type Snapshot,
} from '@flotilla/raft';
import { quote } from './quote.ts';

const roleNames: Readonly<Record<Role, string>> = {
  follower: 'StateFollower',
  preCandidate: 'StatePreCandidate',
  candidate: 'StateCandidate',
  leader: 'StateLeader',
};

const progressNames = { probe: 'StateProbe', replicate: 'StateReplicate', snapshot: 'StateSnapshot' } as const;

const entryNames = {
  normal: 'EntryNormal',
  confChange: 'EntryConfChange',
  confChangeV2: 'EntryConfChangeV2',
} as const;

const changeLetters: Readonly<Record<ConfChangeKind, string>> = {
  addVoter: 'v',
  addLearner: 'l',
  remove: 'r',
  update: 'u',
};

/** A role by its name in scenario files. */
export function printRole(role: Role): string {
  return roleNames[role];
}

/** `TERM/INDEX TYPE PAYLOAD`. */
export function printEntry(entry: Entry): string {
  return `${entry.term}/${entry.index} ${entryNames[entry.type]}${printPayload(entry)}`;
}

/** A message, its nested lines indented; no final newline. */
export function printMessage(message: Message, indent = ''): string {
  let text = `${indent}${printTarget(message.from)}->${printTarget(message.to)} ${message.type}`;
  text += ` Term:${message.term} Log:${message.logTerm}/${message.index}`;
  if (message.reject) text += ` Rejected (Hint: ${message.rejectHint})`;
  if (message.commit !== 0) text += ` Commit:${message.commit}`;
  if (message.vote !== 0) text += ` Vote:${message.vote}`;
  if (message.entries.length === 1) {
    text += ` Entries:[${printEntry(message.entries[0]!)}]`;
  } else if (message.entries.length > 1) {
    const lines = message.entries.map((entry) => `\n${indent}  ${printEntry(entry)}`);
    text += ` Entries:[${lines.join('')}\n${indent}]`;
  }
  if (message.snapshot !== undefined) text += `\n${indent}  Snapshot: ${printSnapshot(message.snapshot)}`;
  if (message.responses.length > 0) {
    const lines = message.responses.map((response) => `\n${printMessage(response, `${indent}  `)}`);
    text += ` Responses:[${lines.join('')}\n${indent}]`;
  }
  return text;
}

/** A Ready in several lines, each ended. */
export function printReady(ready: Ready): string {
  const lines: string[] = [];
  if (ready.softState !== undefined) {
    lines.push(`Lead:${ready.softState.leader} State:${printRole(ready.softState.role)}`);
  }
  if (ready.hardState !== undefined) {
    const { term, vote, commit } = ready.hardState;
    lines.push(`HardState Term:${term}${vote === 0 ? '' : ` Vote:${vote}`} Commit:${commit}`);
  }
  if (ready.readStates.length > 0) {
    lines.push(
      `ReadStates [${ready.readStates.map((read) => `{${read.index} [${read.context.join(' ')}]}`).join(' ')}]`,
    );
  }
  if (ready.entries.length > 0) lines.push('Entries:', ...ready.entries.map(printEntry));
  if (ready.snapshot !== undefined) lines.push(`Snapshot ${printSnapshot(ready.snapshot)}`);
  if (ready.committedEntries.length > 0) lines.push('CommittedEntries:', ...ready.committedEntries.map(printEntry));
  if (ready.messages.length > 0) lines.push('Messages:', ...ready.messages.map((message) => printMessage(message)));
  if (lines.length === 0) return '<empty Ready>\n';
  return `Ready MustSync=${ready.mustSync}:\n${lines.join('\n')}\n`;
}

/** One line of a member's progress. */
export function printProgress(progress: ProgressStatus): string {
  let text = `${progress.id}: ${progressNames[progress.state]} match=${progress.match} next=${progress.next}`;
  if (progress.isLearner) text += ' learner';
  if (progress.isPaused) text += ' paused';
  if (progress.pendingSnapshot > 0) text += ` pendingSnap=${progress.pendingSnapshot}`;
  if (!progress.recentActive) text += ' inactive';
  if (progress.inflightCount > 0) text += ` inflight=${progress.inflightCount}`;
  if (progress.isInflightFull) text += '[full]';
  return text;
}

/** A configuration in one line. */
export function printMembership(membership: Membership): string {
  let text = `voters=${printIds(membership.incoming)}`;
  if (membership.outgoing.length > 0) text += `&&${printIds(membership.outgoing)}`;
  if (membership.learners.length > 0) text += ` learners=${printIds(membership.learners)}`;
  if (membership.learnersNext.length > 0) text += ` learners_next=${printIds(membership.learnersNext)}`;
  if (membership.autoLeave) text += ' autoleave';
  return text;
}

function printSnapshot(snapshot: Snapshot): string {
  const { index, term, confState } = snapshot.metadata;
  return `Index:${index} Term:${term} ConfState:${printConfState(confState)}`;
}

function printConfState(state: ConfState): string {
  const list = (ids: readonly number[]): string => `[${[...ids].sort((a, b) => a - b).join(' ')}]`;
  return (
    `Voters:${list(state.voters)} VotersOutgoing:${list(state.votersOutgoing)} Learners:${list(state.learners)} ` +
    `LearnersNext:${list(state.learnersNext)} AutoLeave:${state.autoLeave}`
  );
}

function printPayload(entry: Entry): string {
  if (entry.type === 'normal') return ` ${quote(entry.data)}`;
  const change = decodeConfChange(entry.type, entry.data);
  if (change === undefined) return ' malformed';
  const steps = change.steps.map((step) => `${changeLetters[step.kind]}${step.nodeId}`);
  return steps.length === 0 ? '' : ` ${steps.join(' ')}`;
}

function printTarget(id: number): string {
  if (id === 0) return 'None';
  if (id === appendThread) return 'AppendThread';
  if (id === applyThread) return 'ApplyThread';
  return id.toString(16);
}

function printIds(ids: readonly number[]): string {
  return `(${ids.map((id) => id.toString(16)).join(' ')})`;
}
