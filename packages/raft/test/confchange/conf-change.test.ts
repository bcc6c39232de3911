import { eraftpb } from '@flotilla/protocol';
import { describe, expect, it } from 'vitest';
import { decodeConfChange, encodeConfChange, leaveJointChange } from '../../src/confchange/conf-change.ts';
import { bytes, change } from '../cluster.ts';

const all = change(
  'jointExplicit',
  { kind: 'addVoter', nodeId: 1 },
  { kind: 'addLearner', nodeId: 2 },
  { kind: 'remove', nodeId: 3 },
  { kind: 'update', nodeId: 4 },
);

describe('encoding of membership changes', () => {
  it('keeps what it is given', () => {
    for (const transition of ['auto', 'jointImplicit', 'jointExplicit'] as const) {
      const given = { ...all, transition, context: bytes('context') };
      const read = decodeConfChange('confChangeV2', encodeConfChange(given, 'confChangeV2'))!;
      expect({ ...read, context: new Uint8Array(read.context) }).toEqual(given);
    }
    const single = change('auto', { kind: 'addLearner', nodeId: 9 });
    expect(decodeConfChange('confChange', encodeConfChange(single, 'confChange'))).toEqual(single);
  });

  it('takes no bytes to leave the joint configuration', () => {
    expect(encodeConfChange(leaveJointChange, 'confChangeV2')).toHaveLength(0);
    expect(decodeConfChange('confChangeV2', new Uint8Array(0))).toEqual(leaveJointChange);
  });

  it.each([all, change('auto'), change('jointImplicit', { kind: 'remove', nodeId: 1 })])(
    'refuses what a single-step entry cannot hold',
    (given) => {
      expect(() => encodeConfChange(given, 'confChange')).toThrow('one auto step');
    },
  );

  it('does not read what it does not know', () => {
    const unknown = 77 as 0;
    expect(decodeConfChange('confChange', Uint8Array.of(0xff))).toBeUndefined();
    const single = eraftpb.ConfChange.encode(eraftpb.ConfChange.create({ changeType: unknown, nodeId: 1 }));
    expect(decodeConfChange('confChange', single)).toBeUndefined();
    const step = eraftpb.ConfChangeSingle.create({ changeType: unknown, nodeId: 1 });
    const several = eraftpb.ConfChangeV2.encode(eraftpb.ConfChangeV2.create({ changes: [step] }));
    expect(decodeConfChange('confChangeV2', several)).toBeUndefined();
    const transition = eraftpb.ConfChangeV2.encode(eraftpb.ConfChangeV2.create({ transition: unknown }));
    expect(decodeConfChange('confChangeV2', transition)).toBeUndefined();
  });
});
