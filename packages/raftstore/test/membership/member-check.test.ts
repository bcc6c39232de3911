import { metapb } from '@flotilla/protocol';
import { describe, expect, it } from 'vitest';
import { judgeMember } from '../../src/scheduler-worker/member-check.ts';

const ask = { regionId: 1, peerId: 5, confVer: 7 };

function found(confVer: number, ...ids: readonly number[]) {
  const peers = ids.map((id) => metapb.Peer.create({ id, storeId: id }));
  return { region: metapb.Region.create({ id: 1, peers, regionEpoch: { confVer, version: 1 } }), leader: undefined };
}

describe('a peer that asks whether it is still a member', () => {
  it('is told no only by a picture that is later than its own', () => {
    expect(judgeMember(ask, found(8, 1, 2))).toEqual({ type: 'noMember', confVer: 8 });
    expect(judgeMember(ask, found(7, 1, 2))).toEqual({ type: 'unknown' });
    expect(judgeMember(ask, found(6, 1, 2))).toEqual({ type: 'unknown' });
    expect(judgeMember(ask, undefined)).toEqual({ type: 'unknown' });
    expect(judgeMember(ask, found(9, 1, 5))).toEqual({ type: 'member' });
  });
});
