import { getCommand, headerOf, snapCommand, TestCluster } from '@flotilla/test-harness';
import { expect, it } from 'vitest';

it('tells the scheduler what was written and read since the last report, once', async () => {
  const cluster = await TestCluster.start(3);
  await cluster.awaitLeader();
  await cluster.sleep(1_000);
  const flows: { written: number; read: number; bytes: number; ms: number }[] = [];
  const report = cluster.scheduler.regionHeartbeat.bind(cluster.scheduler);
  cluster.scheduler.regionHeartbeat = (request) => {
    const { keysWritten, keysRead, bytesRead, intervalMs } = request.flow!;
    flows.push({ written: keysWritten, read: keysRead, bytes: bytesRead, ms: intervalMs });
    return report(request);
  };
  for (let number = 0; number < 5; number += 1) await cluster.put(`k${number}`, 'four');
  const leader = await cluster.awaitLeader();
  const header = headerOf(cluster.regionOn(leader));
  await cluster.execute(leader, getCommand(header, 'k0'));
  const { snapshot } = await cluster.execute(leader, snapCommand(header));
  expect(await cluster.run(snapshot!.scan('default', new Uint8Array(0), 100, 1_000_000))).toHaveLength(5);
  await cluster.run(snapshot!.close());
  await cluster.sleep(1_000);
  const sum = (name: keyof (typeof flows)[number]) => flows.reduce((total, flow) => total + flow[name], 0);
  expect(sum('written')).toBe(5);
  expect(sum('read')).toBe(6);
  expect(sum('bytes')).toBeGreaterThanOrEqual(6 * 6);
  // Whole intervals, none counted twice.
  expect(flows.at(-1)).toMatchObject({ written: 0, read: 0, bytes: 0 });
  expect(sum('ms')).toBeGreaterThan(500);
  expect(sum('ms')).toBeLessThan(3_000);
  await cluster.close();
});
