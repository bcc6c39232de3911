import { checkMembership, describeVerdict } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';

const seen = (confVer: number, ...peers: string[]) => ({ regionId: 1, confVer, peers });

describe('checkMembership', () => {
  it('accepts members that come and go one for each conf_ver, in any order of sight, with gaps', () => {
    expect(checkMembership([seen(3, 'a', 'b', 'c'), seen(1, 'a'), seen(2, 'a', 'b'), seen(2, 'b', 'a')]).outcome).toBe(
      'valid',
    );
    expect(checkMembership([seen(1, 'a'), seen(4, 'b', 'c')]).outcome).toBe('valid');
    expect(checkMembership([seen(1, 'a learner'), seen(2, 'a voter')]).outcome).toBe('valid');
  });

  it('convicts two changes in one step, and two memberships of one conf_ver', () => {
    expect(describeVerdict(checkMembership([seen(1, 'a'), seen(2, 'a', 'b', 'c')]))).toContain(
      'more changes than steps',
    );
    expect(describeVerdict(checkMembership([seen(1, 'a'), seen(1, 'b')]))).toContain('two memberships at conf_ver 1');
    expect(checkMembership([seen(1, 'a', 'b', 'c'), seen(2, 'a')]).outcome).toBe('violated');
  });

  it('keeps regions apart', () => {
    expect(checkMembership([seen(1, 'a'), { regionId: 2, confVer: 1, peers: ['b'] }]).outcome).toBe('valid');
  });
});
