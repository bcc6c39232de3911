import type { Runtime } from '@flotilla/runtime';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { ServerConfig } from './config.ts';
import type { GrpcService } from './grpc-service.ts';
import { formatListenAddress, type ListenAddress, parseListenAddress } from './listen-address.ts';
import { listenError, ServerError } from './server-error.ts';

/** A gRPC server that listens. */
export interface GrpcServer {
  /** Where it listens, with the real port. */
  readonly address: ListenAddress;
  /**
   * Refuses new calls, ends endless ones, waits for the others for at most `shutdownTimeoutMs`, then cuts off what is left.
   * Resolves with whether everything had ended by itself. May be called twice.
   */
  close(): Promise<'ended' | 'cutOff'>;
}

/** What a server needs. */
export interface GrpcServerOptions {
  readonly services: readonly GrpcService[];
  /** `host:port`; `:port` is loopback, port 0 lets the system choose. */
  readonly listen: string;
  readonly config: ServerConfig;
  readonly runtime: Runtime;
}

/**
 * Serves `services` on an address.
 *
 * @throws {ServerError} with code `invalidAddress`, `addressInUse`, `addressNotAvailable`, `permissionDenied` or `listenFailed`.
 */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const { services, config, runtime } = options;
  const wanted = parseListenAddress(options.listen);
  const server = new Server({
    'grpc.max_receive_message_length': config.maxMessageBytes,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': config.maxConcurrentStreams,
    // Two processes that share a port would each get a part of the calls.
    'grpc.so_reuseport': 0,
  });
  for (const { definition, implementation } of services) server.addService(definition, implementation);
  const port = await bind(server, formatListenAddress(wanted));
  let closing: Promise<'ended' | 'cutOff'> | undefined;
  return {
    address: { host: wanted.host, port },
    close() {
      closing ??= shutDown(server, services, config, runtime);
      return closing;
    },
  };
}

function bind(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error instanceof ServerError ? error : listenError(address, error));
    });
  });
}

function shutDown(
  server: Server,
  services: readonly GrpcService[],
  config: ServerConfig,
  runtime: Runtime,
): Promise<'ended' | 'cutOff'> {
  return new Promise((resolve) => {
    const timer = runtime.timers.after(config.shutdownTimeoutMs, () => {
      server.forceShutdown();
      resolve('cutOff');
    });
    for (const service of services) service.drain?.();
    server.tryShutdown(() => {
      timer.cancel();
      resolve('ended');
    });
  });
}
