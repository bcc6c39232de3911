import { Client, credentials } from '@grpc/grpc-js';
import { parse, type Type } from 'protobufjs';
import type { LoadedStore } from './load.ts';

/** The part of etcd's KV service that is measured. Source: etcd v3.4, etcdserver/etcdserverpb/rpc.proto. */
const proto = `
  syntax = "proto3";
  message KeyValue { bytes key = 1; bytes value = 5; }
  message PutRequest { bytes key = 1; bytes value = 2; }
  message PutResponse {}
  message RangeRequest { bytes key = 1; }
  message RangeResponse { repeated KeyValue kvs = 2; int64 count = 4; }
`;
const { root } = parse(proto);

interface Call {
  readonly path: string;
  readonly encode: (request: object) => Buffer;
  readonly decode: (bytes: Buffer) => object;
}

const putCall = callOf('/etcdserverpb.KV/Put', 'Put');
const rangeCall = callOf('/etcdserverpb.KV/Range', 'Range');

function callOf(path: string, name: string): Call {
  const request: Type = root.lookupType(`${name}Request`);
  const response: Type = root.lookupType(`${name}Response`);
  return {
    path,
    encode: (message) => Buffer.from(request.encode(message as never).finish()),
    decode: (bytes) => response.decode(bytes),
  };
}

/** Puts and linearizable gets (etcd's default) over connections to one member, used in turn. */
export class EtcdStore implements LoadedStore {
  readonly #connections: readonly Client[];
  #next = 0;

  constructor(address: string, connections: number) {
    this.#connections = Array.from(
      { length: connections },
      () => new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 }),
    );
  }

  async put(key: Uint8Array, value: Uint8Array): Promise<void> {
    await this.#call(putCall, { key, value });
  }

  async get(key: Uint8Array): Promise<void> {
    const { kvs } = (await this.#call(rangeCall, { key })) as { readonly kvs: readonly unknown[] };
    if (kvs.length !== 1) throw new Error('the key is not there');
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) connection.close();
  }

  #call({ path, encode, decode }: Call, request: object): Promise<object> {
    const connection = this.#connections[this.#next] as Client;
    this.#next = (this.#next + 1) % this.#connections.length;
    return new Promise((resolve, reject) => {
      connection.makeUnaryRequest(path, encode, decode, request, (error, response) => {
        if (error === null && response !== undefined) resolve(response);
        else reject(error ?? new Error('etcd answered with nothing'));
      });
    });
  }
}
