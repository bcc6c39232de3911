import {
  Client,
  credentials,
  type Metadata,
  Metadata as RequestMetadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceError,
  type sendUnaryData,
  type status,
} from '@grpc/grpc-js';
import type { ServiceChannel } from '../../../src/index.ts';

const path = '/test.Names/Get';
const serialize = (text: string): Buffer => Buffer.from(text);
const deserialize = (bytes: Buffer): string => bytes.toString();

/** A gRPC server whose one method answers with the server's name: at once, or when told to for the request `hold`. */
export class NamedServer {
  readonly name: string;
  address = '';
  /** Answers every request with this status when set. */
  failure: status | undefined;
  /** Requests that were answered or are held. */
  received = 0;
  readonly held: (() => void)[] = [];
  #server: Server | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** Listens on the port that it had before, or on any. */
  async start(): Promise<this> {
    const server = new Server();
    const definition = {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: serialize,
      requestDeserialize: deserialize,
      responseSerialize: serialize,
      responseDeserialize: deserialize,
    };
    const get = (call: ServerUnaryCall<string, string>, respond: sendUnaryData<string>): void => {
      this.received += 1;
      const answer = (): void => {
        if (this.failure === undefined) respond(null, this.name);
        else respond({ code: this.failure, details: 'as told' });
      };
      if (call.request === 'hold') this.held.push(answer);
      else answer();
    };
    server.addService({ get: definition }, { get });
    const port = await new Promise<number>((resolve, reject) => {
      const address = this.address === '' ? '127.0.0.1:0' : this.address;
      server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    this.address = `127.0.0.1:${port}`;
    this.#server = server;
    return this;
  }

  /** Ends as a process that is killed. */
  kill(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
  }

  release(): void {
    for (const answer of this.held.splice(0)) answer();
  }
}

/** Calls of the servers behind a channel. */
export class NamesClient {
  readonly #client: Client;

  constructor(channel: ServiceChannel) {
    this.#client = new Client('unused', credentials.createInsecure(), { channelOverride: channel });
  }

  /** The name of the server that answered; rejects with its status. */
  get(options: { request?: string; headers?: Record<string, string>; waits?: boolean; signal?: AbortSignal } = {}) {
    const { request = 'now', headers = {}, waits = false, signal } = options;
    const metadata: Metadata = new RequestMetadata({ waitForReady: waits });
    for (const [key, value] of Object.entries(headers)) metadata.set(key, value);
    return new Promise<string>((resolve, reject) => {
      const call = this.#client.makeUnaryRequest(path, serialize, deserialize, request, metadata, (error, name) => {
        if (error === null) resolve(name ?? '');
        else reject(error);
      });
      signal?.addEventListener('abort', () => call.cancel(), { once: true });
    });
  }

  /** The names of the servers that answered so many calls, one after the other. */
  async names(count: number): Promise<string[]> {
    const names: string[] = [];
    for (let call = 0; call < count; call += 1) names.push(await this.get());
    return names;
  }
}

/** How often each name comes. */
export function tally(names: readonly string[]): Record<string, number> {
  const counted: Record<string, number> = {};
  for (const name of names) counted[name] = (counted[name] ?? 0) + 1;
  return counted;
}

/** Waits until a condition holds, as fast as the event loop turns. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

/** The status code that a call failed with. */
export async function codeOf(call: Promise<unknown>): Promise<status | undefined> {
  return await call.then(
    () => undefined,
    (error: ServiceError) => error.code,
  );
}
