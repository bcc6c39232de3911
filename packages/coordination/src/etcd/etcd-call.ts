import {
  type CallOptions,
  type Client,
  type ClientDuplexStream,
  type ClientUnaryCall,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import type { ILeaseKeepAliveRequest, ILeaseKeepAliveResponse } from 'etcd3';
import type { EtcdService } from './etcd-endpoint.ts';

/** What is under way on one connection. */
export interface PendingCall<Response> {
  readonly response: Promise<Response>;
  cancel(): void;
}

/** One call of a server. */
export interface EtcdCall<Response> {
  readonly service: EtcdService;
  /** Whether sending it twice does no more than once. */
  readonly repeatable: boolean;
  /** Whether a member without a leader may answer. */
  readonly leaderless: boolean;
  start(client: Client, metadata: Metadata): PendingCall<Response>;
}

type UnaryMethod = (
  request: unknown,
  metadata: Metadata,
  options: CallOptions,
  callback: (error: ServiceError | null, response: unknown) => void,
) => ClientUnaryCall;

/** A call of one request and one answer. */
export function unaryCall<Response>(
  service: EtcdService,
  method: string,
  request: unknown,
  traits: { readonly repeatable: boolean; readonly leaderless?: boolean },
): EtcdCall<Response> {
  return {
    service,
    repeatable: traits.repeatable,
    leaderless: traits.leaderless === true,
    start: (client, metadata) => {
      const send = (client as unknown as Record<string, UnaryMethod>)[method] as UnaryMethod;
      let cancel = (): void => undefined;
      const response = new Promise<Response>((resolve, reject) => {
        const call = send.call(client, request, metadata, {}, (error, answer) => {
          if (error === null) resolve(answer as Response);
          else reject(error);
        });
        cancel = () => call.cancel();
      });
      return { response, cancel: () => cancel() };
    },
  };
}

/** A renewal on a stream of its own: nothing runs on behind it, and its answer is nobody else's. */
export function keepAliveCall(leaseId: bigint): EtcdCall<ILeaseKeepAliveResponse> {
  return {
    service: 'Lease',
    repeatable: true,
    leaderless: false,
    start: (client, metadata) => {
      const stream = duplexCall<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse>(client, 'leaseKeepAlive', metadata);
      const response = new Promise<ILeaseKeepAliveResponse>((resolve, reject) => {
        stream.on('data', (answer) => {
          resolve(answer);
          stream.cancel();
        });
        stream.on('error', reject);
        stream.on('end', () => reject({ code: status.UNAVAILABLE, details: 'the stream ended without an answer' }));
      });
      stream.write({ ID: leaseId.toString() });
      return { response, cancel: () => stream.cancel() };
    },
  };
}

type DuplexMethod<Request, Response> = (
  metadata: Metadata,
  options: CallOptions,
) => ClientDuplexStream<Request, Response>;

/** Opens a stream that goes both ways. */
export function duplexCall<Request, Response>(
  client: Client,
  method: string,
  metadata: Metadata,
): ClientDuplexStream<Request, Response> {
  const open = (client as unknown as Record<string, DuplexMethod<Request, Response>>)[method];
  return (open as DuplexMethod<Request, Response>).call(client, metadata, {});
}

/** What goes with every call; a member that sees no leader refuses it at once instead of letting it run out of time. */
export function callMetadata(token: string | undefined, leaderless: boolean): Metadata {
  const metadata = new Metadata();
  if (!leaderless) metadata.set('hasleader', 'true');
  if (token !== undefined) metadata.set('token', token);
  return metadata;
}
