import { spawnSync } from 'node:child_process';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { describe, expect, it } from 'vitest';
import { runLockSoak } from '../src/lock-soak.ts';

const hasEtcd = spawnSync('etcd', ['--version']).status === 0;
const runtime = createSystemRuntime({ logger: silentLogger });
const short = { runtime, seconds: 30, ttlMs: 2000, processes: 5 };
if (!hasEtcd) console.warn('etcd is not on the PATH: locks are not put to the test over it');

describe('the locks, with holders paused past their ttl and killed', () => {
  it.skipIf(!hasEtcd)(
    'let in no former holder and are soon free again, over etcd',
    async () => {
      const { complaints, counts } = await runLockSoak({ ...short, store: 'etcd', kind: 'flotilla' });
      expect(complaints.join('\n')).toBe('');
      expect((counts['pauses'] ?? 0) + (counts['kills'] ?? 0)).toBeGreaterThan(0);
    },
    90_000,
  );

  it('let in no former holder and are soon free again, over three storage nodes', async () => {
    const { complaints, counts } = await runLockSoak({ ...short, seconds: 15, store: 'cluster', kind: 'flotilla' });
    expect(complaints.join('\n')).toBe('');
    expect((counts['pauses'] ?? 0) + (counts['kills'] ?? 0)).toBeGreaterThan(0);
  }, 180_000);
});
