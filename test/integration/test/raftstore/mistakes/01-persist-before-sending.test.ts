import { applyStateKey, logEntryKey, readApplyState } from '@flotilla/engine';
import { eraftpb } from '@flotilla/protocol';
import { errorOf, headerOf, putCommand, TestCluster } from '@flotilla/test-harness';
import { describe, expect, it } from 'vitest';

const { MessageType } = eraftpb;

describe('what a peer says it has', () => {
  it('is durable before the message leaves', async () => {
    const cluster = await TestCluster.start(3);
    const claims: string[] = [];
    let checked = 0;
    cluster.network.filter = (message, from) => {
      const raft = message.message;
      const node = cluster.nodes.find(({ storeId }) => storeId === from)!;
      if (raft?.msgType !== MessageType.MsgAppendResponse || raft.reject) return true;
      // What a power cut at this moment would leave of the log.
      const survivor = node.raftDisk.durable(logEntryKey(message.regionId, raft.index));
      const { truncatedState } = readApplyState(node.kvEngine, message.regionId) ?? {};
      const isCompacted = raft.index <= (truncatedState?.index ?? 0);
      checked += 1;
      if (survivor === undefined && !isCompacted) claims.push(`store ${from} claims entry ${raft.index}`);
      return true;
    };
    for (let number = 0; number < 50; number += 1) await cluster.put(`k${number}`, 'v');
    expect(claims).toEqual([]);
    expect(checked).toBeGreaterThan(50);
    await cluster.close();
  });

  it('is not acknowledged to a client either before a majority would survive with it', async () => {
    const cluster = await TestCluster.start(3);
    for (let round = 0; round < 10; round += 1) {
      const leader = await cluster.awaitLeader();
      const command = putCommand(headerOf(cluster.regionOn(leader)), `k${round}`, 'v');
      expect(errorOf(await cluster.execute(leader, command))).toBeUndefined();
      // All of them at once, the moment the answer is there.
      for (const node of cluster.nodes) cluster.crash(node);
      for (const node of cluster.nodes) await cluster.restart(node);
      expect(await cluster.get(`k${round}`)).toBe('v');
    }
    await cluster.close();
  });
});

describe('data and the applied index', () => {
  it('are written together: no batch has one without the other', async () => {
    const cluster = await TestCluster.start(1);
    const [node] = cluster.nodes;
    const region = cluster.region.id;
    for (let number = 0; number < 30; number += 1) {
      const before = readApplyState(node!.kvEngine, region)!.appliedIndex;
      await cluster.put('counter', `${number}`);
      const after = readApplyState(node!.kvEngine, region)!.appliedIndex;
      expect(after).toBeGreaterThan(before);
      // Whatever part of the un-synced batches survives, value and index are of one moment.
      const states = node!.kvDisk.possibleCrashes([Buffer.from('default_counter'), applyStateKey(region)]);
      const seen = new Map<string, string>();
      for (const [value, state] of states) {
        const key = Buffer.from(state ?? []).toString('hex');
        expect(seen.get(key) ?? `${value}`).toBe(`${value}`);
        seen.set(key, `${value}`);
      }
    }
    await cluster.close();
  });
});
