import { array, assert as check, constantFrom, nat, property, record, tuple } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changeMembership } from '../../src/confchange/changer.ts';
import type { ConfChangeKind, ConfChangeTransition } from '../../src/confchange/conf-change.ts';
import { isJoint, type Membership, membershipOf } from '../../src/tracker/membership.ts';
import { change, confStateOf } from '../cluster.ts';

const step = record({
  kind: constantFrom<ConfChangeKind>('addVoter', 'addLearner', 'remove', 'update'),
  nodeId: nat(6),
});
const changes = array(
  tuple(constantFrom<ConfChangeTransition>('auto', 'jointImplicit', 'jointExplicit'), array(step, { maxLength: 4 })),
  { maxLength: 20 },
);

function checkInvariants(membership: Membership): void {
  const { incoming, outgoing, learners, learnersNext, autoLeave } = membership;
  for (const list of [incoming, outgoing, learners, learnersNext]) {
    expect(list).toEqual([...new Set(list)].sort((a, b) => a - b));
  }
  expect(incoming.length).toBeGreaterThan(0);
  for (const id of learners) expect(incoming.includes(id) || outgoing.includes(id)).toBe(false);
  for (const id of learnersNext) {
    expect(outgoing).toContain(id);
    expect(incoming).not.toContain(id);
  }
  if (!isJoint(membership)) expect([learnersNext, autoLeave]).toEqual([[], false]);
}

describe('changes of membership', () => {
  it('keep the invariants of a configuration, whatever is asked for', () => {
    check(
      property(changes, (list) => {
        let membership = membershipOf(confStateOf([1, 2, 3], [4]));
        for (const [transition, steps] of list) {
          const changed = changeMembership(membership, change(transition, ...steps));
          if (typeof changed === 'string') continue;
          membership = changed.membership;
          checkInvariants(membership);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('move at most one voter at a time, unless joint', () => {
    const from = membershipOf(confStateOf([1, 2, 3]));
    check(
      property(step, (only) => {
        const changed = changeMembership(from, change('auto', only));
        if (typeof changed === 'string') return;
        const { incoming } = changed.membership;
        const moved = [1, 2, 3, 4, 5, 6].filter((id) => incoming.includes(id) !== from.incoming.includes(id));
        expect(moved.length).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('start the progress of one that is removed and added again afresh', () => {
    const from = membershipOf(confStateOf([1, 2]));
    const asked = change('jointImplicit', { kind: 'remove', nodeId: 3 }, { kind: 'addVoter', nodeId: 3 });
    expect(changeMembership(from, asked)).toMatchObject({ added: [3] });
    const learner = membershipOf(confStateOf([1], [2]));
    const twice = change('jointImplicit', { kind: 'remove', nodeId: 2 }, { kind: 'addLearner', nodeId: 2 });
    expect(changeMembership(learner, twice)).toMatchObject({ added: [2], membership: { learners: [2] } });
    const gone = change('jointImplicit', { kind: 'addLearner', nodeId: 5 }, { kind: 'remove', nodeId: 5 });
    expect(changeMembership(from, gone)).toMatchObject({ added: [] });
  });

  it('may be replaced by one that changes nothing, in a joint configuration too', () => {
    const nothing = change('auto', { kind: 'update', nodeId: 0 });
    for (const from of [confStateOf([1, 2]), { ...confStateOf([1, 2], [3]), votersOutgoing: [1] }]) {
      const membership = membershipOf(from);
      expect(changeMembership(membership, nothing)).toEqual({ membership, added: [] });
    }
  });
});
