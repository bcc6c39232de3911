import { eraftpb, raft_serverpb } from '@flotilla/protocol';
import { describe, expect, it } from 'vitest';
import { MomentWatch } from '../src/moment.ts';

const { EntryType, MessageType } = eraftpb;

function see(watch: MomentWatch, message: Partial<eraftpb.Message>, regionId = 2): readonly string[] {
  return watch.see(raft_serverpb.RaftMessage.create({ regionId, message: eraftpb.Message.create(message) }));
}

const append = (term: number, commit: number, change?: number): Partial<eraftpb.Message> => ({
  msgType: MessageType.MsgAppend,
  term,
  commit,
  entries:
    change === undefined
      ? []
      : [eraftpb.Entry.create({ term, index: change, entryType: EntryType.EntryConfChangeV2, data: Buffer.from('x') })],
});

describe('moments are seen', () => {
  it('in campaigns, the first of a region above all, and in votes that are given', () => {
    const watch = new MomentWatch();
    const campaign = { msgType: MessageType.MsgRequestVote, term: 6 };
    expect(see(watch, campaign)).toEqual(['campaign', 'birth']);
    expect(see(watch, campaign)).toEqual(['campaign']);
    expect(see(watch, campaign, 3)).toEqual(['campaign', 'birth']);
    expect(see(watch, { msgType: MessageType.MsgRequestVoteResponse, term: 6 })).toEqual(['vote']);
    expect(see(watch, { msgType: MessageType.MsgRequestVoteResponse, term: 6, reject: true })).toEqual([]);
  });

  it('where a leader shows first, and where it commits', () => {
    const watch = new MomentWatch();
    expect(see(watch, append(6, 3))).toEqual(['lead', 'commit']);
    expect(see(watch, append(6, 3))).toEqual([]);
    expect(see(watch, append(6, 4))).toEqual(['commit']);
    expect(see(watch, append(7, 4))).toEqual(['lead']);
    expect(see(watch, { msgType: MessageType.MsgTimeoutNow, term: 7 })).toEqual(['handover']);
  });

  it('where a change of membership is told to be committed, once', () => {
    const watch = new MomentWatch();
    expect(see(watch, append(6, 3, 5))).toEqual(['lead', 'commit']);
    expect(see(watch, append(6, 4, 5))).toEqual(['commit']);
    expect(see(watch, append(6, 5))).toEqual(['commit', 'change']);
    expect(see(watch, append(6, 6))).toEqual(['commit']);
  });

  it('nowhere else', () => {
    expect(new MomentWatch().see(raft_serverpb.RaftMessage.create({ regionId: 2 }))).toEqual([]);
    expect(see(new MomentWatch(), { msgType: MessageType.MsgHeartbeat, term: 6, commit: 9 })).toEqual([]);
  });
});
