import { describe, expect, it } from 'vitest';
import { defaultRaftStoreConfig, RaftStoreConfigError, resolveRaftStoreConfig } from '../src/config.ts';

describe('resolveRaftStoreConfig', () => {
  it('completes and freezes', () => {
    const config = resolveRaftStoreConfig({ tickIntervalMs: 20 });
    expect(config).toEqual({ ...defaultRaftStoreConfig, tickIntervalMs: 20 });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('names every violation at once', () => {
    const broken = {
      tickIntervalMs: 0,
      electionTicks: 2,
      heartbeatTicks: 2,
      logGcThreshold: 100,
      logGcMaxEntries: 10,
      maxEntryBytes: 1024,
      leaseReads: 1 as never,
      maxClockDriftPercent: 60,
      nonsense: 3,
    };
    const error = (() => {
      try {
        resolveRaftStoreConfig(broken);
      } catch (caught) {
        return caught as RaftStoreConfigError;
      }
      return undefined;
    })();
    expect(error).toBeInstanceOf(RaftStoreConfigError);
    expect(error?.violations).toHaveLength(7);
    expect(error?.message).toContain('tickIntervalMs must be a whole number of at least 1, not 0');
    expect(error?.message).toContain('leaseReads must be true or false, not 1');
    expect(error?.message).toContain('nonsense is not a setting');
  });
});
