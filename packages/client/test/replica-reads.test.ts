import { describe, expect, it } from 'vitest';
import { bytes, collect, startTestCluster } from './test-client.ts';

describe('reads that any replica may answer', () => {
  it('go round the replicas, scans too, while writes go to the leader', async () => {
    const { client, cluster } = await startTestCluster({ readPreference: 'any' });
    await client.put(bytes('a'), bytes('1'));
    cluster.arrivals.length = 0;
    for (let read = 0; read < 6; read += 1) expect(await client.get(bytes('a'))).toEqual(bytes('1'));
    expect([...cluster.arrivals].sort()).toEqual(['1:get', '1:get', '2:get', '2:get', '3:get', '3:get']);
    expect(await collect(client.scan())).toHaveLength(1);
    cluster.arrivals.length = 0;
    for (let write = 0; write < 3; write += 1) await client.put(bytes('a'), bytes('2'));
    expect(cluster.arrivals).toEqual(['1:put', '1:put', '1:put']);
  });

  it('stay with the leader unless asked for', async () => {
    const { client, cluster } = await startTestCluster();
    for (let read = 0; read < 3; read += 1) await client.get(bytes('a'));
    expect(cluster.arrivals).toEqual(['1:get', '1:get', '1:get']);
  });

  it('are repeated at the leader where a replica cannot answer', async () => {
    const { client, cluster } = await startTestCluster({ readPreference: 'any' });
    await client.put(bytes('a'), bytes('1'));
    cluster.arrivals.length = 0;
    cluster.misbehave = (storeId) =>
      storeId === 1 ? undefined : { type: 'refuse', error: { notLeader: { regionId: 1, leader: undefined } } };
    for (let read = 0; read < 3; read += 1) expect(await client.get(bytes('a'))).toEqual(bytes('1'));
    expect(cluster.arrivals).toEqual(['2:get', '1:get', '3:get', '1:get', '1:get']);
  });

  it('leave a store out for a while that cannot be reached', async () => {
    const { client, cluster } = await startTestCluster({ readPreference: 'any' });
    await client.put(bytes('a'), bytes('1'));
    cluster.killStore(2);
    for (let read = 0; read < 6; read += 1) expect(await client.get(bytes('a'))).toEqual(bytes('1'));
    const reads = cluster.arrivals.filter((arrival) => arrival.endsWith(':get'));
    expect(new Set(reads)).toEqual(new Set(['1:get', '3:get']));
    expect(cluster.lookups.filter((what) => what === 'store 2')).toHaveLength(1);
  });
});
