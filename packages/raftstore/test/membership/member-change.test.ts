import { eraftpb, metapb, raft_cmdpb } from '@flotilla/protocol';
import {
  changeMembership,
  confStateOf as confStateOfMembership,
  decodeConfChange,
  encodeConfChange,
  leaveJointChange,
  membershipOf,
} from '@flotilla/raft';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  changeMembers,
  leaveJoint,
  type MemberChange,
  memberChangesOf,
  toConfChange,
} from '../../src/membership/member-change.ts';
import { confStateOf, isJoint, mayLead } from '../../src/region.ts';

const { DemotingVoter, IncomingVoter, Learner, Voter } = metapb.PeerRole;

function peer(id: number, role: metapb.PeerRole = Voter, storeId = id): metapb.Peer {
  return { id, storeId, role };
}

function region(...peers: metapb.Peer[]): metapb.Region {
  return metapb.Region.create({ id: 1, peers, regionEpoch: { confVer: 7, version: 3 } });
}

function change(kind: MemberChange['kind'], id: number, storeId = id): MemberChange {
  return { kind, peer: peer(id, Voter, storeId), field: 'peer' };
}

function made(from: metapb.Region, ...changes: MemberChange[]): metapb.Region {
  const outcome = changeMembers(from, changes);
  if (outcome.type === 'refused') throw new Error(outcome.error.message);
  return outcome.region;
}

function reasonOf(from: metapb.Region, ...changes: MemberChange[]): string | undefined {
  const outcome = changeMembers(from, changes);
  if (outcome.type === 'changed') return undefined;
  return outcome.error.invalidRequest?.reason ?? outcome.error.serverIsBusy?.reason;
}

describe('a joint change', () => {
  const three = region(peer(1), peer(2), peer(3), peer(4, Learner));

  it('gives roles that tell both halves, and leaving it settles them', () => {
    const joint = made(three, change('addVoter', 4), change('addVoter', 5), change('addLearner', 2));
    expect(joint.peers.map(({ role }) => role)).toEqual([Voter, DemotingVoter, Voter, IncomingVoter, IncomingVoter]);
    expect(joint.regionEpoch).toEqual({ confVer: 10, version: 3 });
    expect(confStateOf(joint)).toEqual({
      voters: [1, 3, 4, 5],
      votersOutgoing: [1, 2, 3],
      learners: [],
      learnersNext: [2],
      autoLeave: true,
    });
    const left = made(joint);
    expect(left.peers.map(({ role }) => role)).toEqual([Voter, Learner, Voter, Voter, Voter]);
    expect(left.regionEpoch).toEqual({ confVer: 13, version: 3 });
  });

  it('may remove a learner and put another peer on its store', () => {
    const joint = made(three, change('remove', 4), change('addVoter', 9, 4));
    expect(joint.peers.map(({ id }) => id)).toEqual([1, 2, 3, 9]);
  });

  it('is refused when it does not fit', () => {
    expect(reasonOf(three, change('remove', 3), change('addVoter', 5))).toContain('demotes it');
    expect(reasonOf(three, change('addLearner', 5), change('addLearner', 6))).toContain('has to change a voter');
    expect(reasonOf(three, change('addVoter', 5), change('addLearner', 5))).toContain('twice');
    expect(reasonOf(three, change('addVoter', 5), change('addVoter', 6, 5))).toContain('already has a peer on store');
    const demotesAll = [1, 2, 3].map((id) => change('addLearner', id));
    expect(reasonOf(three, ...demotesAll)).toContain('the last voter');
    const joint = made(three, change('addVoter', 4), change('addVoter', 5));
    expect(reasonOf(joint, change('addVoter', 6))).toContain('has not left');
    expect(reasonOf(three)).toContain('not joint');
    expect(leaveJoint(three).type).toBe('refused');
  });
});

describe('an admin command', () => {
  it('is read, or refused by the field at fault', () => {
    const { AdminCmdType, AdminRequest } = raft_cmdpb;
    const fieldOf = (request: Partial<raft_cmdpb.AdminRequest>) => {
      const asked = memberChangesOf(AdminRequest.create(request));
      return asked.type === 'refused' ? asked.error.invalidRequest?.field : asked.changes.map(({ kind }) => kind);
    };
    const { AddLearnerNode, UpdateNode, RemoveNode } = eraftpb.ConfChangeType;
    expect(fieldOf({ cmdType: AdminCmdType.ChangePeer })).toBe('adminRequest');
    expect(fieldOf({ cmdType: AdminCmdType.CompactLog })).toBe('adminRequest');
    expect(fieldOf({ cmdType: AdminCmdType.ChangePeerV2, changePeerV2: { changes: [] } })).toEqual([]);
    const one = { changeType: AddLearnerNode, peer: peer(1) };
    const two = { changeType: UpdateNode, peer: peer(1) };
    const three = { changeType: RemoveNode, peer: undefined };
    const v2 = (changes: readonly raft_cmdpb.ChangePeerRequest[]) =>
      fieldOf({ cmdType: AdminCmdType.ChangePeerV2, changePeerV2: { changes } });
    expect(v2([one])).toEqual(['addLearner']);
    expect(v2([one, two])).toBe('adminRequest.changePeerV2.changes[1].changeType');
    expect(v2([one, three])).toBe('adminRequest.changePeerV2.changes[1].peer');
  });
});

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom('addVoter' as const, 'addLearner' as const, 'remove' as const),
    id: fc.integer({ min: 1, max: 6 }),
    storeId: fc.integer({ min: 1, max: 6 }),
  }),
  { maxLength: 3 },
);

describe('over random changes', () => {
  it('roles and raft configuration stand for each other, and a peer differs by at most one per conf_ver', () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 30 }), (series) => {
        let known = region(peer(1));
        for (const list of series) {
          const changes = list.map(({ kind, id, storeId }) => change(kind, id, storeId));
          const outcome = changeMembers(known, changes);
          if (outcome.type === 'refused') continue;
          // Through the encoding of the log, as every member applies it.
          const request = new Uint8Array([1]);
          const confChange = decodeConfChange(
            'confChangeV2',
            encodeConfChange(toConfChange(changes, request), 'confChangeV2'),
          );
          const followed = changeMembership(membershipOf(confStateOf(known)), confChange!);
          if (typeof followed === 'string') throw new Error(followed);
          expectSame(outcome.region, confStateOfMembership(followed.membership));
          expect(differences(known, outcome.region)).toBe(epochDifference(known, outcome.region));
          known = outcome.region;
        }
      }),
      { numRuns: 500 },
    );
  });

  it('leaving is what the leader proposes by itself', () => {
    const joint = made(region(peer(1), peer(2)), change('addVoter', 3), change('addLearner', 2));
    const followed = changeMembership(membershipOf(confStateOf(joint)), leaveJointChange);
    if (typeof followed === 'string') throw new Error(followed);
    expectSame(made(joint), confStateOfMembership(followed.membership));
  });
});

function expectSame(changed: metapb.Region, conf: ReturnType<typeof confStateOf>): void {
  const sorted = (list: readonly number[]) => [...list].sort((a, b) => a - b);
  const ours = confStateOf(changed);
  for (const half of ['voters', 'votersOutgoing', 'learners', 'learnersNext'] as const) {
    expect(sorted(ours[half]), half).toEqual(sorted(conf[half]));
  }
  expect(ours.autoLeave).toBe(conf.autoLeave);
  expect(isJoint(changed)).toBe(conf.votersOutgoing.length > 0);
  expect(changed.peers.filter(mayLead).map(({ id }) => id)).toHaveLength(conf.voters.length);
  expect(new Set(changed.peers.map(({ storeId }) => storeId)).size).toBe(changed.peers.length);
}

function differences(before: metapb.Region, after: metapb.Region): number {
  const roles = (one: metapb.Region) => new Map(one.peers.map(({ id, role }) => [id, role]));
  const [left, right] = [roles(before), roles(after)];
  return [...new Set([...left.keys(), ...right.keys()])].filter((id) => left.get(id) !== right.get(id)).length;
}

function epochDifference(before: metapb.Region, after: metapb.Region): number {
  return (after.regionEpoch?.confVer ?? 0) - (before.regionEpoch?.confVer ?? 0);
}
