import { eraftpb } from '@flotilla/protocol';
import { assert } from '@flotilla/runtime';
import type { EntryType } from '../message.ts';

/** What is to become of one member. `update` changes nothing here; it carries a context through the log. */
export type ConfChangeKind = 'addVoter' | 'addLearner' | 'remove' | 'update';

/** One step of a change; a step for node 0 does nothing. */
export interface ConfChangeStep {
  readonly kind: ConfChangeKind;
  readonly nodeId: number;
}

/**
 * How the change is made: `auto` uses joint consensus only for more than one step and leaves it by itself;
 * `jointImplicit` always uses it and leaves by itself; `jointExplicit` stays joint until an empty change is proposed.
 */
export type ConfChangeTransition = 'auto' | 'jointImplicit' | 'jointExplicit';

/** A change of membership. `auto` without steps asks to leave the joint configuration. */
export interface ConfChange {
  readonly transition: ConfChangeTransition;
  readonly steps: readonly ConfChangeStep[];
  /** Opaque to the core; carried in the entry. */
  readonly context: Uint8Array;
}

/** Which of the two encodings an entry uses; `confChange` holds exactly one step. */
export type ConfChangeEntryType = Exclude<EntryType, 'normal'>;

/** The change that asks to leave the joint configuration. Its encoding is empty. */
export const leaveJointChange: ConfChange = Object.freeze({
  transition: 'auto',
  steps: Object.freeze([]) as readonly ConfChangeStep[],
  context: new Uint8Array(0),
});

const kindToWire = {
  addVoter: eraftpb.ConfChangeType.AddNode,
  addLearner: eraftpb.ConfChangeType.AddLearnerNode,
  remove: eraftpb.ConfChangeType.RemoveNode,
  update: eraftpb.ConfChangeType.UpdateNode,
} as const;

const transitionToWire = {
  auto: eraftpb.ConfChangeTransition.TransitionAuto,
  jointImplicit: eraftpb.ConfChangeTransition.TransitionJointImplicit,
  jointExplicit: eraftpb.ConfChangeTransition.TransitionJointExplicit,
} as const;

const kindFromWire = new Map<number, ConfChangeKind>(
  Object.entries(kindToWire).map(([kind, wire]) => [wire, kind as ConfChangeKind]),
);
const transitionFromWire = new Map<number, ConfChangeTransition>(
  Object.entries(transitionToWire).map(([transition, wire]) => [wire, transition as ConfChangeTransition]),
);

/** Whether the change needs joint consensus. */
export function entersJoint(change: ConfChange): boolean {
  return change.transition !== 'auto' || change.steps.length > 1;
}

/** Whether the change leaves the joint configuration. */
export function leavesJoint(change: ConfChange): boolean {
  return change.transition === 'auto' && change.steps.length === 0;
}

/**
 * The change as the data of an entry of `type`.
 *
 * @throws {InvariantError} when `type` is `confChange` and the change is not a single `auto` step.
 */
export function encodeConfChange(change: ConfChange, type: ConfChangeEntryType): Uint8Array {
  if (type === 'confChangeV2') {
    return eraftpb.ConfChangeV2.encode({
      transition: transitionToWire[change.transition],
      changes: change.steps.map((step) => ({ changeType: kindToWire[step.kind], nodeId: step.nodeId })),
      context: change.context,
    });
  }
  assert(change.steps.length === 1 && change.transition === 'auto', 'a confChange entry holds one auto step', {
    steps: change.steps.length,
    transition: change.transition,
  });
  const step = change.steps[0]!;
  return eraftpb.ConfChange.encode({
    changeType: kindToWire[step.kind],
    nodeId: step.nodeId,
    context: change.context,
  });
}

/** The change that an entry's data holds, or `undefined` when it holds none. */
export function decodeConfChange(type: ConfChangeEntryType, data: Uint8Array): ConfChange | undefined {
  try {
    return type === 'confChange' ? fromV1(eraftpb.ConfChange.decode(data)) : fromV2(eraftpb.ConfChangeV2.decode(data));
  } catch {
    // Whatever is wrong with bytes that a peer proposed, they are no change.
    return undefined;
  }
}

function fromV1(wire: eraftpb.ConfChange): ConfChange | undefined {
  const kind = kindFromWire.get(wire.changeType);
  if (kind === undefined) return undefined;
  return { transition: 'auto', steps: [{ kind, nodeId: wire.nodeId }], context: wire.context };
}

function fromV2(wire: eraftpb.ConfChangeV2): ConfChange | undefined {
  const transition = transitionFromWire.get(wire.transition);
  const steps: ConfChangeStep[] = [];
  for (const { changeType, nodeId } of wire.changes) {
    const kind = kindFromWire.get(changeType);
    if (kind === undefined) return undefined;
    steps.push({ kind, nodeId });
  }
  return transition === undefined ? undefined : { transition, steps, context: wire.context };
}
