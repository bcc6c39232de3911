import { type CoordinationBackend, connectEmbedded, DistributedLock, openEtcdBackend } from '@flotilla/coordination';
import type { Runtime } from '@flotilla/runtime';
import { Etcd3, EtcdLockFailedError } from 'etcd3';
import type { HolderTask } from './message.ts';

/** A lock that was acquired, whoever made it. */
export interface AcquiredLock {
  readonly token: bigint | undefined;
  /** Whether its holder can rely on it, as far as the lock can tell. */
  readonly isHeld: boolean;
  release(): Promise<void>;
}

/** One lock that processes contend for. */
export interface ContendedLock {
  acquire(signal: AbortSignal): Promise<AcquiredLock>;
  close(): Promise<void>;
}

const name = 'soak';
/** Between two tries of etcd3's locks, which do not wait. */
const retryMs = 50;

/** The way to the lock that a task is about. */
export async function openContendedLock(task: HolderTask, runtime: Runtime): Promise<ContendedLock> {
  return task.kind === 'etcd3' ? openEtcd3Lock(task, runtime) : openFlotillaLock(task, runtime);
}

async function openFlotillaLock({ store, ttlMs }: HolderTask, runtime: Runtime): Promise<ContendedLock> {
  const backend: CoordinationBackend =
    store.type === 'etcd'
      ? openEtcdBackend({ endpoints: store.endpoints, runtime })
      : await connectEmbedded({ schedulers: store.schedulers, runtime });
  const locks = new DistributedLock({ backend, runtime });
  return {
    acquire: async (signal) => {
      const lock = await locks.acquire(name, { ttlMs, signal });
      return {
        token: lock.fencingToken,
        get isHeld() {
          return lock.isHeld;
        },
        release: () => lock.release(),
      };
    },
    close: async () => {
      await locks.close();
      await backend.close();
    },
  };
}

function openEtcd3Lock({ store, ttlMs }: HolderTask, runtime: Runtime): ContendedLock {
  if (store.type !== 'etcd') throw new Error('the locks of etcd3 need an etcd');
  const client = new Etcd3({ hosts: [...store.endpoints] });
  return {
    acquire: async (signal) => {
      for (;;) {
        signal.throwIfAborted();
        const lock = client.lock(name).ttl(ttlMs / 1000);
        try {
          await lock.acquire();
          // It has no token to show and does not say when it is lost.
          return { token: undefined, isHeld: true, release: () => lock.release() };
        } catch (error) {
          if (!(error instanceof EtcdLockFailedError)) throw error;
        }
        await runtime.timers.sleep(retryMs, signal);
      }
    },
    close: async () => client.close(),
  };
}
