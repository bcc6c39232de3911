import { unreachable } from '@flotilla/runtime';
import { isJoint, type Membership } from '../tracker/membership.ts';
import { type ConfChange, type ConfChangeStep, entersJoint, leavesJoint } from './conf-change.ts';

/** Why a change does not fit the configuration it is applied to. */
export type ConfChangeError =
  | 'notJoint'
  | 'alreadyJoint'
  | 'simpleWhileJoint'
  | 'jointWithoutVoters'
  | 'noVotersLeft'
  | 'tooManyVotersChanged';

/** A configuration that has been changed. */
export interface Changed {
  readonly membership: Membership;
  /** Members whose progress starts afresh: new ones, and ones removed and added again by the same change. */
  readonly added: readonly number[];
}

/** The configuration after a change, or why it cannot be made. */
export type ChangeResult = Changed | ConfChangeError;

/**
 * Applies a change to a configuration.
 *
 * Source: thesis 4.1 (one voter at a time keeps majorities overlapping), 4.3 (joint consensus for the rest).
 */
export function changeMembership(from: Membership, change: ConfChange): ChangeResult {
  if (changesNothing(change)) return { membership: from, added: [] };
  if (leavesJoint(change)) return leaveJoint(from);
  if (entersJoint(change)) return enterJoint(from, change.steps, change.transition !== 'jointExplicit');
  return changeSimply(from, change.steps);
}

/** Whether the change stands in for one that was rejected: it fits every configuration, a joint one too. */
function changesNothing({ transition, steps }: ConfChange): boolean {
  return transition === 'auto' && steps.length === 1 && steps[0]!.nodeId === 0;
}

/** Makes a change that moves at most one voter, without joint consensus. */
export function changeSimply(from: Membership, steps: readonly ConfChangeStep[]): ChangeResult {
  if (isJoint(from)) return 'simpleWhileJoint';
  const builder = new MembershipBuilder(from);
  const error = builder.run(steps);
  if (error !== undefined) return error;
  if (builder.votersChangedFrom(from.incoming) > 1) return 'tooManyVotersChanged';
  return builder.finish(false);
}

/** Makes the current voters the outgoing half, then applies the steps to the incoming half. */
export function enterJoint(from: Membership, steps: readonly ConfChangeStep[], autoLeave: boolean): ChangeResult {
  if (isJoint(from)) return 'alreadyJoint';
  if (from.incoming.length === 0) return 'jointWithoutVoters';
  const builder = new MembershipBuilder({ ...from, outgoing: from.incoming });
  return builder.run(steps) ?? builder.finish(autoLeave);
}

/** Drops the outgoing half; its voters that were to become learners do. */
export function leaveJoint(from: Membership): ChangeResult {
  if (!isJoint(from)) return 'notJoint';
  return {
    membership: {
      incoming: from.incoming,
      outgoing: [],
      learners: ascending(new Set([...from.learners, ...from.learnersNext])),
      learnersNext: [],
      autoLeave: false,
    },
    added: [],
  };
}

/** The configuration while steps are applied to it. */
class MembershipBuilder {
  readonly #incoming: Set<number>;
  readonly #outgoing: ReadonlySet<number>;
  readonly #learners: Set<number>;
  readonly #learnersNext: Set<number>;
  /** Everyone who has progress. */
  readonly #members: Set<number>;
  readonly #added: Set<number> = new Set();

  constructor(from: Membership) {
    this.#incoming = new Set(from.incoming);
    this.#outgoing = new Set(from.outgoing);
    this.#learners = new Set(from.learners);
    this.#learnersNext = new Set(from.learnersNext);
    this.#members = new Set([...from.incoming, ...from.outgoing, ...from.learners]);
  }

  run(steps: readonly ConfChangeStep[]): ConfChangeError | undefined {
    for (const { kind, nodeId } of steps) {
      if (nodeId === 0) continue;
      switch (kind) {
        case 'addVoter':
          this.#addVoter(nodeId);
          break;
        case 'addLearner':
          this.#addLearner(nodeId);
          break;
        case 'remove':
          this.#remove(nodeId);
          break;
        case 'update':
          break;
        default:
          unreachable(kind, 'kind of configuration change');
      }
    }
    return this.#incoming.size === 0 ? 'noVotersLeft' : undefined;
  }

  /** How many voters are in only one of `before` and the present incoming half. */
  votersChangedFrom(before: readonly number[]): number {
    let kept = 0;
    for (const id of before) if (this.#incoming.has(id)) kept += 1;
    return before.length - kept + (this.#incoming.size - kept);
  }

  finish(autoLeave: boolean): Changed {
    return {
      membership: {
        incoming: ascending(this.#incoming),
        outgoing: ascending(this.#outgoing),
        learners: ascending(this.#learners),
        learnersNext: ascending(this.#learnersNext),
        autoLeave,
      },
      added: ascending(this.#added),
    };
  }

  #addVoter(id: number): void {
    this.#admit(id);
    this.#learners.delete(id);
    this.#learnersNext.delete(id);
    this.#incoming.add(id);
  }

  #addLearner(id: number): void {
    this.#admit(id);
    if (this.#learners.has(id)) return;
    this.#incoming.delete(id);
    // An outgoing voter still counts until the joint configuration is left: it must not be a learner before that.
    if (this.#outgoing.has(id)) this.#learnersNext.add(id);
    else this.#learners.add(id);
  }

  #remove(id: number): void {
    this.#incoming.delete(id);
    this.#learners.delete(id);
    this.#learnersNext.delete(id);
    if (!this.#outgoing.has(id)) {
      this.#members.delete(id);
      this.#added.delete(id);
    }
  }

  #admit(id: number): void {
    if (this.#members.has(id)) return;
    this.#members.add(id);
    this.#added.add(id);
  }
}

function ascending(ids: ReadonlySet<number>): readonly number[] {
  return [...ids].sort((a, b) => a - b);
}
