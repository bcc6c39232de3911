import type { MethodDefinition } from '@flotilla/protocol';
import { createMemoryLogger, createSystemRuntime } from '@flotilla/runtime';
import { Client, type ClientWritableStream, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import {
  createMachineService,
  createRawBatchService,
  createTinyKvService,
  type GrpcServer,
  type ServerConfig,
  startGrpcServer,
  testServerConfig,
} from '../src/index.ts';
import { FakeStore } from './fake-store.ts';

/** A served store with a client at it; both end with the test. */
export interface TestServer {
  readonly store: FakeStore;
  readonly server: GrpcServer;
  readonly target: string;
  readonly logger: ReturnType<typeof createMemoryLogger>;
  readonly client: Client;
  call<Request, Response>(method: MethodDefinition<Request, Response>, request: Request): Promise<Response>;
  /** Sends bytes that need not be a message. */
  callBytes(path: string, bytes: Uint8Array, headers?: Readonly<Record<string, string>>): Promise<Buffer>;
  openStream<Request, Response>(
    method: MethodDefinition<Request, Response>,
    headers?: Readonly<Record<string, string>>,
  ): { readonly call: ClientWritableStream<Request>; readonly answer: Promise<Response> };
}

export async function startTestServer(partial: Partial<ServerConfig> = {}): Promise<TestServer> {
  const store = new FakeStore();
  const logger = createMemoryLogger();
  const runtime = createSystemRuntime({ logger, seed: 1 });
  const config = { ...testServerConfig, ...partial };
  const options = { store, config, runtime };
  const services = [createTinyKvService(options), createRawBatchService(options), createMachineService(options)];
  const server = await startGrpcServer({ services, listen: ':0', config, runtime });
  const target = `127.0.0.1:${server.address.port}`;
  const client = new Client(target, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  onTestFinished(async () => {
    client.close();
    await server.close();
  });
  const same = (bytes: Buffer): Buffer => bytes;
  return {
    store,
    server,
    target,
    logger,
    client,
    call: (method, request) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          method.path,
          method.requestSerialize,
          method.responseDeserialize,
          request,
          (error, value) => (error === null ? resolve(value as never) : reject(error)),
        );
      }),
    callBytes: (path, bytes, headers = {}) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(path, same, same, Buffer.from(bytes), metadataOf(headers), (error, value) =>
          error === null ? resolve(value as Buffer) : reject(error),
        );
      }),
    openStream(method, headers = {}) {
      let call: unknown;
      const answer = new Promise<never>((resolve, reject) => {
        call = client.makeClientStreamRequest(
          method.path,
          method.requestSerialize,
          method.responseDeserialize,
          metadataOf(headers),
          (error: ServiceError | null, value) => (error === null ? resolve(value as never) : reject(error)),
        );
      });
      answer.catch(() => {});
      return { call: call as never, answer };
    },
  };
}

function metadataOf(headers: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}

/** Resolves once `holds` does, asked after each turn of the event loop. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
