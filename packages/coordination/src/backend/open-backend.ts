import { type Runtime, unreachable } from '@flotilla/runtime';
import type { EtcdLocation } from '../etcd/etcd-options.ts';
import { BackendError } from './backend-error.ts';
import type { BackendLocation, CoordinationBackend } from './coordination-backend.ts';

/**
 * Opens a backend again where it is, as on another thread. Only what is needed there is loaded.
 *
 * @throws {BackendError} `invalidArgument` for one that is nowhere else, and what the backend itself rejects with.
 */
export async function openBackend(location: BackendLocation, runtime: Runtime): Promise<CoordinationBackend> {
  switch (location.type) {
    case 'etcd': {
      const { openEtcdBackend } = await import('../etcd/etcd-backend.ts');
      return openEtcdBackend({ ...(location.options as EtcdLocation), runtime });
    }
    case 'cluster': {
      const { connectEmbedded } = await import('../embedded/embedded-coordination.ts');
      const options = location.options as { readonly schedulers: readonly string[]; readonly timeoutMs?: number };
      return connectEmbedded({ ...options, runtime });
    }
    case 'here':
      throw new BackendError('invalidArgument', 'a backend that is only here cannot be opened again');
    default:
      return unreachable(location, 'location of a backend');
  }
}
