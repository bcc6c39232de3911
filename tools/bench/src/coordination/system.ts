import { join } from 'node:path';
import { type CoordinationBackend, openEmbeddedCoordination, openEtcdBackend } from '@flotilla/coordination';
import type { Runtime } from '@flotilla/runtime';
import type { Child } from '../cluster/child.ts';
import { freePorts } from '../cluster/free-ports.ts';
import type { Workshop } from '../cluster/workshop.ts';

/** What is measured: one node each. */
export type SystemName = 'etcd' | 'directory' | 'memory';

/** A system that runs. */
export interface CoordinationSystem {
  readonly backend: CoordinationBackend;
  /** Its server, where that is not this process. */
  readonly server: Child | undefined;
  close(): Promise<void>;
}

/** Opens one node with nothing in it. `name` is of the directory that it may have. */
export async function openSystem(
  system: SystemName,
  name: string,
  { workshop, runtime, etcdCommand }: { workshop: Workshop; runtime: Runtime; etcdCommand: string | undefined },
): Promise<CoordinationSystem> {
  if (system !== 'etcd') {
    const place = system === 'memory' ? ({ memory: true } as const) : { dataDirectory: join(workshop.directory, name) };
    const backend = await openEmbeddedCoordination({ ...place, runtime });
    return { backend, server: undefined, close: () => backend.close() };
  }
  if (etcdCommand === undefined) throw new Error('etcd is not installed');
  const [client, peer] = await freePorts(2);
  const server = workshop.start({
    name,
    command: etcdCommand,
    args: [
      ...['--name', 'one', '--data-dir', join(workshop.directory, name)],
      ...[
        '--listen-client-urls',
        `http://127.0.0.1:${client}`,
        '--advertise-client-urls',
        `http://127.0.0.1:${client}`,
      ],
      ...[
        '--listen-peer-urls',
        `http://127.0.0.1:${peer}`,
        '--initial-advertise-peer-urls',
        `http://127.0.0.1:${peer}`,
      ],
      ...['--initial-cluster', `one=http://127.0.0.1:${peer}`, '--logger', 'zap', '--log-level', 'warn'],
    ],
    logPath: workshop.logPath(name),
    hasChannel: false,
  });
  const backend = await openEtcdBackend({ endpoints: [`127.0.0.1:${client}`], dialTimeoutMs: 20_000, runtime });
  await backend.ping({ timeoutMs: 20_000 });
  const close = async (): Promise<void> => {
    await backend.close();
    await server.stop();
  };
  return { backend, server, close };
}
