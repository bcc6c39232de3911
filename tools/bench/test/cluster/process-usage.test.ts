import { expect, it } from 'vitest';
import { parseProcessUsage, readProcessUsage } from '../../src/cluster/process-usage.ts';

it('reads CPU time and peak memory, whatever the process is called', () => {
  const stat = '4321 (a (strange) name) S 1 4321 4321 0 -1 4194560 900 0 3 0 150 75 0 0 20 0 11 0 99 1000 200';
  const status = 'Name:\ta\nVmPeak:\t  999 kB\nVmHWM:\t   2048 kB\nVmRSS:\t 1024 kB\n';
  expect(parseProcessUsage(stat, status)).toEqual({ cpuSeconds: 2.25, peakBytes: 2 * 1024 ** 2 });
});

it('reads this process, and nothing of one that does not exist', () => {
  if (process.platform === 'linux') expect(readProcessUsage(process.pid)?.peakBytes).toBeGreaterThan(1024 ** 2);
  expect(readProcessUsage(2 ** 30)).toBeUndefined();
});
