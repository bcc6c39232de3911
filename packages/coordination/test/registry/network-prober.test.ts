import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import {
  Server as GrpcServer,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { type HealthCheck, networkProber } from '../../src/index.ts';

const servers: (Server | HttpServer)[] = [];
const grpcServers: GrpcServer[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  for (const server of grpcServers.splice(0)) server.forceShutdown();
});

async function listen(server: Server | HttpServer): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return (server.address() as AddressInfo).port;
}

/** A server of the health protocol, with generated codecs replaced by what two fields need. */
async function listenGrpc(statuses: Readonly<Record<string, number>>): Promise<number> {
  const server = new GrpcServer();
  grpcServers.push(server);
  const definition = {
    path: '/grpc.health.v1.Health/Check',
    requestStream: false,
    responseStream: false,
    requestSerialize: () => Buffer.alloc(0),
    requestDeserialize: (bytes: Buffer) => ({ service: bytes.subarray(2).toString() }),
    responseSerialize: (serving: number) => Buffer.from([8, serving]),
    responseDeserialize: () => 0,
  };
  const check = (call: ServerUnaryCall<{ service: string }, number>, respond: sendUnaryData<number>): void => {
    const serving = statuses[call.request.service];
    if (serving === undefined) respond({ code: status.NOT_FOUND, details: 'no such service' });
    else respond(null, serving);
  };
  server.addService({ check: definition }, { check });
  return await new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

const probe = (check: HealthCheck, port: number, signal = new AbortController().signal): Promise<void> =>
  networkProber.probe(check, { host: '127.0.0.1', port }, signal);

describe('a TCP check', () => {
  it('is content with a connection, and not without', async () => {
    const server = createServer();
    const port = await listen(server);
    await probe({ type: 'tcp' }, port);
    await new Promise((resolve) => server.close(resolve));
    await expect(probe({ type: 'tcp' }, port)).rejects.toThrow('ECONNREFUSED');
  });
});

describe('an HTTP check', () => {
  it('wants a status of success', async () => {
    const port = await listen(
      createHttpServer((request, response) => {
        response.statusCode = Number(request.url?.slice(1));
        response.end();
      }),
    );
    await probe({ type: 'http', path: '/200' }, port);
    await probe({ type: 'http', path: '/204' }, port);
    for (const code of [302, 404, 503]) {
      await expect(probe({ type: 'http', path: `/${code}` }, port)).rejects.toThrow(`status ${code}`);
    }
  });

  it('ends with its signal when no answer comes', async () => {
    const asked = new AbortController();
    const port = await listen(createHttpServer(() => asked.abort()));
    await expect(probe({ type: 'http', path: '/' }, port, asked.signal)).rejects.toThrow('abort');
  });
});

describe('a gRPC check', () => {
  it('asks for the whole server or one service, and wants it to be serving', async () => {
    const port = await listenGrpc({ '': 1, orders: 1, users: 2 });
    await probe({ type: 'grpc' }, port);
    await probe({ type: 'grpc', service: 'orders' }, port);
    await expect(probe({ type: 'grpc', service: 'users' }, port)).rejects.toThrow('serving status 2');
    await expect(probe({ type: 'grpc', service: 'carts' }, port)).rejects.toThrow('gRPC status 5');
  });

  it('fails on an answer that is no message', async () => {
    const port = await listenGrpc({ '': 0x80 });
    await expect(probe({ type: 'grpc' }, port)).rejects.toThrow('no message');
  });

  it('lets go of a server that stays silent when its signal aborts', async () => {
    const server = createServer();
    const port = await listen(server);
    const controller = new AbortController();
    server.once('connection', () => controller.abort());
    await expect(probe({ type: 'grpc' }, port, controller.signal)).rejects.toThrow('given up');
    // Resolves only when no connection is left.
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });

  it('fails where nobody listens', async () => {
    const server = createServer();
    const port = await listen(server);
    await new Promise((resolve) => {
      server.close(resolve);
    });
    await expect(probe({ type: 'grpc' }, port)).rejects.toThrow('ECONNREFUSED');
  });
});
