import { flotillapb, raft_cmdpb } from '@flotilla/protocol';
import type { RaftStoreHandle } from '@flotilla/raftstore';
import { type ColumnFamily, resolveColumnFamily } from './column-family.ts';
import type { ServerConfig } from './config.ts';
import { type CallContext, type GrpcService, serveUnary, undecoded } from './grpc-service.ts';
import { checkBatch, requireContext } from './input-limits.ts';
import type { TinyKvServiceOptions } from './tinykv-service.ts';

/** The service `flotillapb.RawBatch` of one store. */
export function createRawBatchService(options: TinyKvServiceOptions): GrpcService {
  const { store, config, runtime } = options;
  const method = flotillapb.RawBatch.rawBatchWrite;
  const context: CallContext = {
    clusterId: store.clusterId,
    logger: runtime.logger,
    maxRequestBytes: config.maxRequestBytes,
    nowMs: () => runtime.clock.monotonicMs(),
    observe: options.observe ?? (() => {}),
  };
  return {
    definition: { rawBatchWrite: undecoded(method) },
    implementation: { rawBatchWrite: serveUnary(method, context, (request) => batchWrite(store, config, request)) },
  };
}

/**
 * Writes a batch as one command, hence one log entry: all of it takes effect, or nothing.
 *
 * @throws {RequestError} with code `invalidArgument` for input that is out of its limits. What the region refuses is in the
 *   response's `regionError`; an unknown outcome, of the whole batch, is `regionError.outcomeUnknown`.
 */
export async function batchWrite(
  store: RaftStoreHandle,
  config: ServerConfig,
  { context, cf: name, writes }: flotillapb.RawBatchWriteRequest,
): Promise<flotillapb.RawBatchWriteResponse> {
  const header = requireContext(context);
  checkBatch(writes, config);
  const cf = resolveColumnFamily(name);
  const requests = writes.map((write) => requestOf(write, cf));
  const { response } = await store.execute(raft_cmdpb.RaftCmdRequest.create({ header, requests }));
  return flotillapb.RawBatchWriteResponse.create({ regionError: response.header?.error });
}

function requestOf({ op, key, value }: flotillapb.RawWrite, cf: ColumnFamily): raft_cmdpb.Request {
  const { CmdType } = raft_cmdpb;
  return op === flotillapb.RawWriteOp.Put
    ? raft_cmdpb.Request.create({ cmdType: CmdType.Put, put: { cf, key, value } })
    : raft_cmdpb.Request.create({ cmdType: CmdType.Delete, delete: { cf, key } });
}
