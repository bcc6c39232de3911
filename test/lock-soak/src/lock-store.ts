import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findFreePorts, ProcessCluster, waitUntil } from '@flotilla/test-harness';

/** Where the locks are kept, as holder processes find it. */
export type LockStore =
  | { readonly type: 'etcd'; readonly endpoints: readonly string[] }
  | { readonly type: 'cluster'; readonly schedulers: readonly string[] };

/** A store that runs in processes of its own. */
export interface RunningStore {
  readonly store: LockStore;
  close(): Promise<void>;
}

const programs = {
  node: fileURLToPath(new URL('../../../apps/storage-node/bin/flotilla-node.js', import.meta.url)),
  scheduler: fileURLToPath(new URL('../../../apps/scheduler/bin/flotilla-scheduler.js', import.meta.url)),
} as const;

/** Starts a store: one etcd member, or a scheduler and three storage nodes. */
export async function startLockStore(type: LockStore['type']): Promise<RunningStore> {
  if (type === 'etcd') return startEtcd();
  const cluster = await ProcessCluster.start({ programs });
  return { store: { type, schedulers: [cluster.schedulerAddress] }, close: () => cluster.close() };
}

async function startEtcd(): Promise<RunningStore> {
  const [clientPort, peerPort] = await findFreePorts(2);
  const directory = await mkdtemp(join(tmpdir(), 'flotilla-soak-etcd-'));
  const client = `http://127.0.0.1:${clientPort}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  const child = spawn(
    'etcd',
    [
      ...['--data-dir', directory, '--log-level', 'error', '--name', 'soak', '--initial-cluster', `soak=${peer}`],
      ...['--listen-client-urls', client, '--advertise-client-urls', client],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
    ],
    { stdio: 'ignore' },
  );
  const close = async (): Promise<void> => {
    await endOf(child);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await waitUntil('etcd to be healthy', async () => (await fetch(`${client}/health`)).ok, 20_000);
  } catch (error) {
    await close();
    throw error;
  }
  return { store: { type: 'etcd', endpoints: [`127.0.0.1:${clientPort}`] }, close };
}

/** Kills a process and resolves when it is gone. */
export async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGKILL');
  await gone;
}
