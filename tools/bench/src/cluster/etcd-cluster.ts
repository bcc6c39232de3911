import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Timers } from '@flotilla/runtime';
import type { Child } from './child.ts';
import { freePorts } from './free-ports.ts';
import type { Workshop } from './workshop.ts';

/** Where `etcd` is on the path; `undefined` when it is not. */
export function findEtcd(path: string): string | undefined {
  for (const directory of path.split(delimiter)) {
    const file = join(directory, 'etcd');
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // The next directory may have it.
    }
  }
  return undefined;
}

/** Three etcd processes, durable as by default. */
export interface EtcdCluster {
  readonly processes: readonly Child[];
  /** Where the leader serves clients: the best that an etcd client can do. */
  leaderAddress(): Promise<string>;
}

/** Starts a cluster of three members and waits until it has a leader. */
export async function startEtcd(command: string, workshop: Workshop, timers: Timers): Promise<EtcdCluster> {
  const ports = await freePorts(6);
  const members = [0, 1, 2].map((index) => ({
    name: `etcd-${index + 1}`,
    client: `127.0.0.1:${ports[index]}`,
    peer: `http://127.0.0.1:${ports[index + 3]}`,
  }));
  const initialCluster = members.map(({ name, peer }) => `${name}=${peer}`).join(',');
  const processes = members.map(({ name, client, peer }) =>
    workshop.start({
      name,
      command,
      args: [
        ...['--name', name, '--data-dir', join(workshop.directory, name)],
        ...['--listen-client-urls', `http://${client}`, '--advertise-client-urls', `http://${client}`],
        ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
        ...['--initial-cluster', initialCluster, '--initial-cluster-state', 'new'],
        // Room for a long run; the default of 2 GiB is no matter of durability.
        ...['--quota-backend-bytes', String(16 * 1024 ** 3), '--logger', 'zap', '--log-level', 'warn'],
      ],
      logPath: workshop.logPath(name),
      hasChannel: false,
    }),
  );
  const leaderAddress = async (): Promise<string> => {
    for (;;) {
      for (const child of processes) child.check();
      for (const { client } of members) if (await isLeader(client)) return client;
      await timers.sleep(100);
    }
  };
  await leaderAddress();
  return { processes, leaderAddress };
}

/** Source: etcd v3.4, gRPC gateway. */
async function isLeader(address: string): Promise<boolean> {
  try {
    const answer = await fetch(`http://${address}/v3/maintenance/status`, { method: 'POST', body: '{}' });
    const status = (await answer.json()) as { leader?: string; header?: { member_id?: string } };
    return status.leader !== undefined && status.leader === status.header?.member_id;
  } catch {
    return false;
  }
}
