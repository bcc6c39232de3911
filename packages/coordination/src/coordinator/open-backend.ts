import type { Runtime } from '@flotilla/runtime';
import type { CoordinationBackend } from '../backend/coordination-backend.ts';
import { ValidationError } from '../coordination-error.ts';
import { openEtcdBackend } from '../etcd/etcd-backend.ts';
import type { CoordinationConfig } from './config.ts';

/** Where a coordinator's data are, unless `endpoints` names an etcd cluster; at most one of them. */
export interface BackendChoice {
  /** What was opened elsewhere; it stays open when the coordinator is closed. */
  readonly backend?: CoordinationBackend | undefined;
}

/** A backend, and whether whoever opened it here has to close it. */
export interface OpenedBackend {
  readonly backend: CoordinationBackend;
  readonly isOwn: boolean;
}

/**
 * Opens the backend that the configuration and the choice name.
 *
 * @throws {ValidationError} when they name more than one, or none; {BackendError} when it cannot be opened.
 */
export async function openBackend(
  config: CoordinationConfig,
  { backend }: BackendChoice,
  runtime: Runtime,
): Promise<OpenedBackend> {
  const { endpoints, username, password, tls, dialTimeoutMs } = config;
  const places = [backend !== undefined && 'backend', endpoints.length > 0 && 'endpoints'].filter(Boolean);
  if (places.length > 1) throw new ValidationError(`${places.join(' and ')}: at most one of them can be given`);
  if (backend !== undefined) return { backend, isOwn: false };
  if (endpoints.length > 0) {
    return { backend: openEtcdBackend({ endpoints, username, password, tls, dialTimeoutMs, runtime }), isOwn: true };
  }
  throw new ValidationError('endpoints or backend: one of them has to be given');
}
