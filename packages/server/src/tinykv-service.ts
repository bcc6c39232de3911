import { flotillapb, tinykvpb } from '@flotilla/protocol';
import type { RaftStoreHandle } from '@flotilla/raftstore';
import type { Runtime } from '@flotilla/runtime';
import type { ServerConfig } from './config.ts';
import {
  type CallContext,
  type CallObserver,
  type GrpcService,
  serveClientStream,
  serveUnary,
  serveUnimplemented,
  undecoded,
} from './grpc-service.ts';
import { createPeerService } from './peer-service.ts';
import { createRawService } from './raw-service.ts';

/** What the service needs. */
export interface TinyKvServiceOptions {
  readonly store: RaftStoreHandle;
  readonly config: ServerConfig;
  readonly runtime: Runtime;
  readonly observe?: CallObserver;
}

const noTransactions = 'transactions are not offered by this server; use the raw calls';
const noCoprocessor = 'the coprocessor is not offered by this server';

/** The services `tinykvpb.TinyKv` and `flotillapb.RaftBatches` of one store, which drain together. */
export function createTinyKvService(options: TinyKvServiceOptions): GrpcService {
  const { store, config, runtime } = options;
  const { TinyKv } = tinykvpb;
  const context: CallContext = {
    clusterId: store.clusterId,
    logger: runtime.logger,
    maxRequestBytes: config.maxRequestBytes,
    nowMs: () => runtime.clock.monotonicMs(),
    observe: options.observe ?? (() => {}),
  };
  const raw = createRawService(store, config);
  const peers = createPeerService(store, runtime.timers, config);
  const definition = Object.fromEntries(
    Object.entries(TinyKv).map(([name, method]) => [name, undecoded(method as never)]),
  );
  const { raftBatch } = flotillapb.RaftBatches;
  return {
    definition: { ...definition, raftBatch: undecoded(raftBatch) },
    implementation: {
      raftBatch: serveClientStream(raftBatch, context, (requests) => peers.receiveBatches(requests)),
      rawGet: serveUnary(TinyKv.rawGet, context, (request) => raw.get(request)),
      rawPut: serveUnary(TinyKv.rawPut, context, (request) => raw.put(request)),
      rawDelete: serveUnary(TinyKv.rawDelete, context, (request) => raw.delete(request)),
      rawScan: serveUnary(TinyKv.rawScan, context, (request) => raw.scan(request)),
      raft: serveClientStream(TinyKv.raft, context, (requests) => peers.receiveMessages(requests)),
      snapshot: serveClientStream(TinyKv.snapshot, context, (requests) => peers.receiveSnapshot(requests)),
      kvGet: serveUnimplemented(TinyKv.kvGet, context, noTransactions),
      kvScan: serveUnimplemented(TinyKv.kvScan, context, noTransactions),
      kvPrewrite: serveUnimplemented(TinyKv.kvPrewrite, context, noTransactions),
      kvCommit: serveUnimplemented(TinyKv.kvCommit, context, noTransactions),
      kvCheckTxnStatus: serveUnimplemented(TinyKv.kvCheckTxnStatus, context, noTransactions),
      kvBatchRollback: serveUnimplemented(TinyKv.kvBatchRollback, context, noTransactions),
      kvResolveLock: serveUnimplemented(TinyKv.kvResolveLock, context, noTransactions),
      coprocessor: serveUnimplemented(TinyKv.coprocessor, context, noCoprocessor),
    },
    drain: () => peers.drain(),
  };
}
