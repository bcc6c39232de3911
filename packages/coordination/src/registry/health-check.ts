import type { HostPort } from './service-address.ts';

/** How an instance's health is looked at. `address` is `host:port`, the registered one unless given. */
export type HealthCheck =
  /** A connection can be made. */
  | { readonly type: 'tcp'; readonly address?: string }
  /** A GET of `path` is answered with a status from 200 to 299. */
  | { readonly type: 'http'; readonly path: string; readonly isTls?: boolean; readonly address?: string }
  /** The server's `grpc.health.v1` service says that `service`, or the whole server, is serving. */
  | { readonly type: 'grpc'; readonly service?: string; readonly isTls?: boolean; readonly address?: string };

/** Looks at instances over the network. */
export interface HealthProber {
  /** Resolves when the instance is well; rejects with what it found otherwise, and when the signal aborts. */
  probe(check: HealthCheck, target: HostPort, signal: AbortSignal): Promise<void>;
}
