import type { Runtime } from '@flotilla/runtime';
import fastify from 'fastify';
import type { Registry } from 'prom-client';
import { formatListenAddress, type ListenAddress, parseListenAddress } from './listen-address.ts';
import { listenError } from './server-error.ts';

/** Whether a store can serve, and if not, why. */
export interface Readiness {
  readonly isReady: boolean;
  /** One line for each thing that is not ready. */
  readonly reasons: readonly string[];
}

/** What the server shows. */
export interface HttpServerOptions {
  /** `host:port`; `:port` is loopback, port 0 lets the system choose. */
  readonly listen: string;
  readonly registry: Registry;
  readonly readiness: () => Readiness;
  /** What `/status` shows; bytes and bigints are turned into text. */
  readonly status: () => unknown;
  readonly runtime: Runtime;
}

/** An HTTP server that listens. */
export interface HttpServer {
  /** Where it listens, with the real port. */
  readonly address: ListenAddress;
  close(): Promise<void>;
}

/**
 * Serves `/livez` (the process runs), `/readyz` (it can serve; 503 with the reasons otherwise), `/metrics` (Prometheus text)
 * and `/status` (JSON).
 *
 * @throws {ServerError} with code `invalidAddress`, `addressInUse`, `addressNotAvailable`, `permissionDenied` or `listenFailed`.
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { registry, readiness, status, runtime } = options;
  const wanted = parseListenAddress(options.listen);
  const app = fastify({ logger: false, bodyLimit: 1_024, forceCloseConnections: true });
  app.get('/livez', async (_request, reply) => reply.type('text/plain').send('ok\n'));
  app.get('/readyz', async (_request, reply) => {
    const { isReady, reasons } = readiness();
    return reply.code(isReady ? 200 : 503).send({ ready: isReady, reasons });
  });
  app.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()));
  app.get('/status', async (_request, reply) => {
    return reply.type('application/json').send(JSON.stringify(status(), textOfBytes));
  });
  app.setErrorHandler(async (error: Error & { readonly statusCode?: number }, request, reply) => {
    const statusCode = error.statusCode ?? 500;
    if (statusCode >= 500) runtime.logger.error('an HTTP request failed', { url: request.url, error });
    return reply.code(statusCode).send({ error: statusCode >= 500 ? 'internal error' : error.message });
  });
  try {
    await app.listen({ host: wanted.host, port: wanted.port });
  } catch (cause) {
    await app.close();
    throw listenError(formatListenAddress(wanted), cause);
  }
  const bound = app.server.address();
  return {
    address: { host: wanted.host, port: typeof bound === 'object' && bound !== null ? bound.port : wanted.port },
    close: () => app.close(),
  };
}

/** Bytes as hexadecimal text, so that keys of any kind can be shown. */
function textOfBytes(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  // JSON.stringify calls a Buffer's own toJSON before it asks us.
  const { type, data } = (value ?? {}) as { readonly type?: unknown; readonly data?: unknown };
  return type === 'Buffer' && Array.isArray(data) ? Buffer.from(data).toString('hex') : value;
}
