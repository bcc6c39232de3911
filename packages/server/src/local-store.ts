import { type kvrpcpb, tinykvpb } from '@flotilla/protocol';
import type { RaftStoreHandle } from '@flotilla/raftstore';
import type { ServerConfig } from './config.ts';
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

/** Offers the single-key calls and scans of `store` to clients of this process. */
export function createLocalStore(store: RaftStoreHandle, config: ServerConfig): LocalStoreCalls {
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
        default:
          return undefined;
      }
    },
  };
}
