import { flotillapb, type kvrpcpb, tinykvpb } from '@flotilla/protocol';
import type { RaftStoreHandle } from '@flotilla/raftstore';
import { defaultServerConfig, type ServerConfig } from './config.ts';
import { createMachineCalls } from './machine-service.ts';
import { batchWrite } from './raw-batch-service.ts';
import { createRawService } from './raw-service.ts';
import type { LocalStream } from './served-streams.ts';

/** The calls of a store for a client in the same process: what the server answers, without a connection. */
export interface LocalStoreCalls {
  readonly storeId: number;
  /**
   * Answers a request of the method at `path`; `undefined` for a method that is not offered here.
   *
   * @throws {RequestError} as a rejection, with code `invalidArgument`, for input that is out of its limits.
   */
  call(path: string, request: unknown): Promise<unknown> | undefined;
  /**
   * The stream that answers a request of the method at `path`; `undefined` for a method that is not offered here.
   *
   * @throws {RequestError} with code `invalidArgument` for input that is out of its limits.
   */
  stream(path: string, request: unknown): LocalStream<unknown> | undefined;
}

/** Offers the raw calls of `store`, single and in batches, and the calls of its state machines, to clients of this process. */
export function createLocalStore(store: RaftStoreHandle, config: ServerConfig = defaultServerConfig): LocalStoreCalls {
  const raw = createRawService(store, config);
  const machines = createMachineCalls(store, config);
  const { TinyKv } = tinykvpb;
  const { Machines } = flotillapb;
  return {
    storeId: store.storeId,
    call(path, request) {
      switch (path) {
        case TinyKv.rawGet.path:
          return raw.get(request as kvrpcpb.RawGetRequest);
        case TinyKv.rawPut.path:
          return raw.put(request as kvrpcpb.RawPutRequest);
        case TinyKv.rawDelete.path:
          return raw.delete(request as kvrpcpb.RawDeleteRequest);
        case TinyKv.rawScan.path:
          return raw.scan(request as kvrpcpb.RawScanRequest);
        case flotillapb.RawBatch.rawBatchWrite.path:
          return batchWrite(store, config, request as flotillapb.RawBatchWriteRequest);
        case Machines.call.path:
          return machines.call(request as flotillapb.MachineCallRequest);
        default:
          return undefined;
      }
    },
    stream(path, request) {
      if (path !== Machines.subscribe.path) return undefined;
      return machines.subscribe(request as flotillapb.MachineSubscribeRequest);
    },
  };
}
