import { flotillapb, type kvrpcpb, tinykvpb } from '@flotilla/protocol';
import type { RaftStoreHandle } from '@flotilla/raftstore';
import { defaultServerConfig, type ServerConfig } from './config.ts';
import { batchWrite } from './raw-batch-service.ts';
import { createRawService } from './raw-service.ts';

/** The raw calls of a store for a client in the same process: what the server answers, without a connection. */
export interface LocalStoreCalls {
  readonly storeId: number;
  /**
   * Answers a request of the method at `path`; `undefined` for a method that is not offered here.
   *
   * @throws {RequestError} as a rejection, with code `invalidArgument`, for input that is out of its limits.
   */
  call(path: string, request: unknown): Promise<unknown> | undefined;
}

/** Offers the raw calls of `store`, single and in batches, to clients of this process. */
export function createLocalStore(store: RaftStoreHandle, config: ServerConfig = defaultServerConfig): LocalStoreCalls {
  const raw = createRawService(store, config);
  const { TinyKv } = tinykvpb;
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
        default:
          return undefined;
      }
    },
  };
}
