import { expect, it } from 'vitest';
import { defaultRaftConfig, RaftConfigError, resolveRaftConfig } from '../src/config.ts';

it('fills in the defaults and freezes', () => {
  const config = resolveRaftConfig({ id: 7, preVote: false });
  expect(config).toEqual({ ...defaultRaftConfig, id: 7, preVote: false });
  expect(Object.isFrozen(config)).toBe(true);
});

it('reports every violation at once, with the field, the value and the limit', () => {
  const attempt = () =>
    resolveRaftConfig({
      id: 0,
      electionTick: 2,
      heartbeatTick: 2,
      maxInflightMessages: 1.5,
      maxSizePerMessage: -1,
      readOnly: 'sometimes' as 'safe',
    });
  expect(attempt).toThrow(RaftConfigError);
  try {
    attempt();
  } catch (error) {
    expect((error as RaftConfigError).code).toBe('invalidRaftConfig');
    expect((error as RaftConfigError).violations).toEqual([
      'id is 0, must be a whole number from 1 to 9007199254740989',
      'maxInflightMessages is 1.5, must be a whole number from 1 to 2147483647',
      'maxSizePerMessage is -1, must be a whole number from 0 to 9007199254740991',
      'electionTick is 2, must be larger than heartbeatTick 2',
      "readOnly is sometimes, must be 'safe' or 'leaseBased'",
    ]);
  }
});

it('takes lease-based reads only with a quorum check: without it there is no lease', () => {
  expect(() => resolveRaftConfig({ id: 1, readOnly: 'leaseBased', checkQuorum: false })).toThrow('checkQuorum');
});
