import { type MethodDefinition, schedulerpb } from '@flotilla/protocol';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import { type GrpcSchedulerClientConfig, testGrpcSchedulerClientConfig } from '../src/grpc-client-config.ts';
import { GrpcSchedulerClient } from '../src/grpc-scheduler-client.ts';

/** The cluster that fake schedulers serve. */
export const clusterId = 77;
export const okHeader: schedulerpb.ResponseHeader = { clusterId, error: undefined };
export const runtime = createSystemRuntime({ logger: silentLogger, seed: 1 });

/** Answers one request, or never when it returns undefined. */
export type Answer<Request, Response> = (request: Request) => Partial<Response> | undefined;

/** What a fake scheduler does when called; it knows its cluster's id, and whatever a test teaches it. */
export class FakeScheduler {
  readonly #implementation: UntypedServiceImplementation = {};
  #address = '';

  /** `host:port`, once it has been started. */
  get address(): string {
    return this.#address;
  }

  constructor() {
    this.on(schedulerpb.Scheduler.getMembers, 'getMembers', () => ({ header: okHeader }));
  }

  on<Request, Response>(
    _method: MethodDefinition<Request, Response>,
    name: keyof typeof schedulerpb.Scheduler,
    answer: Answer<Request, Response>,
  ): this {
    const handler: handleUnaryCall<Request, Response> = (call, callback) => {
      const response = answer(call.request);
      if (response !== undefined) callback(null, withDefaults(name, response) as Response);
    };
    this.#implementation[name] = handler;
    return this;
  }

  onHeartbeats(
    handler: handleBidiStreamingCall<schedulerpb.RegionHeartbeatRequest, schedulerpb.RegionHeartbeatResponse>,
  ): this {
    this.#implementation['regionHeartbeat'] = handler;
    return this;
  }

  /** Serves until the test ends. */
  async start(): Promise<this> {
    const server = new Server();
    server.addService(schedulerpb.Scheduler as unknown as ServiceDefinition, this.#implementation);
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    onTestFinished(() => server.forceShutdown());
    this.#address = `127.0.0.1:${port}`;
    return this;
  }
}

/** A client that the test's end closes. */
export async function connectTo(
  endpoints: readonly string[],
  config: Partial<GrpcSchedulerClientConfig> = {},
): Promise<GrpcSchedulerClient> {
  const client = await GrpcSchedulerClient.connect({
    endpoints,
    runtime,
    config: { ...testGrpcSchedulerClientConfig, ...config },
  });
  onTestFinished(() => client.close());
  return client;
}

/** An address at which nobody listens. */
export const deadAddress = '127.0.0.1:1';

function withDefaults(name: keyof typeof schedulerpb.Scheduler, response: object): object {
  const type = `${name[0]?.toUpperCase()}${name.slice(1)}Response`.replace(
    'GetRegionByIDResponse',
    'GetRegionResponse',
  );
  const codec = (schedulerpb as unknown as Record<string, { create(fields: object): object } | undefined>)[type];
  if (codec === undefined) throw new Error(`no codec ${type}`);
  return codec.create({ header: okHeader, ...response });
}
