import { errorpb, kvrpcpb, raft_cmdpb } from '@flotilla/protocol';
import type { CommandResult, RaftStoreHandle, RegionSnapshot } from '@flotilla/raftstore';
import { assert } from '@flotilla/runtime';
import { resolveColumnFamily } from './column-family.ts';
import type { ServerConfig } from './config.ts';
import { checkKey, checkScan, checkValue, type RequiredContext, requireContext } from './input-limits.ts';

/** The raw calls of a store: one key, or one range of one region, without transactions. */
export interface RawService {
  /** @throws {RequestError} as every call here, with code `invalidArgument`, for input that is out of its limits. */
  get(request: kvrpcpb.RawGetRequest): Promise<kvrpcpb.RawGetResponse>;
  put(request: kvrpcpb.RawPutRequest): Promise<kvrpcpb.RawPutResponse>;
  delete(request: kvrpcpb.RawDeleteRequest): Promise<kvrpcpb.RawDeleteResponse>;
  scan(request: kvrpcpb.RawScanRequest): Promise<kvrpcpb.RawScanResponse>;
}

/**
 * The raw calls over `store`. Bad input is thrown; what the region refuses is in the response's `regionError`; an unknown
 * outcome is `regionError.outcomeUnknown`.
 */
export function createRawService(store: RaftStoreHandle, config: ServerConfig): RawService {
  return {
    async get({ context, key, cf }) {
      const required = requireContext(context);
      checkKey(key, config);
      const get = { cf: resolveColumnFamily(cf), key };
      const request = raft_cmdpb.Request.create({ cmdType: raft_cmdpb.CmdType.Get, get });
      const result = await execute(store, required, request);
      const regionError = regionErrorOf(result);
      if (regionError !== undefined) return kvrpcpb.RawGetResponse.create({ regionError });
      const found = result.response.responses[0]?.get;
      return kvrpcpb.RawGetResponse.create(found === undefined ? { notFound: true } : { value: found.value });
    },

    async put({ context, key, value, cf }) {
      const required = requireContext(context);
      checkKey(key, config);
      checkValue(value, config);
      const put = { cf: resolveColumnFamily(cf), key, value };
      const request = raft_cmdpb.Request.create({ cmdType: raft_cmdpb.CmdType.Put, put });
      const result = await execute(store, required, request);
      return kvrpcpb.RawPutResponse.create({ regionError: regionErrorOf(result) });
    },

    async delete({ context, key, cf }) {
      const required = requireContext(context);
      checkKey(key, config);
      const remove = { cf: resolveColumnFamily(cf), key };
      const request = raft_cmdpb.Request.create({ cmdType: raft_cmdpb.CmdType.Delete, delete: remove });
      const result = await execute(store, required, request);
      return kvrpcpb.RawDeleteResponse.create({ regionError: regionErrorOf(result) });
    },

    async scan({ context, startKey, limit, cf }) {
      const required = requireContext(context);
      checkScan(startKey, limit, config);
      const family = resolveColumnFamily(cf);
      return withSnapshot(store, required, {
        refused: (regionError) => kvrpcpb.RawScanResponse.create({ regionError }),
        async read(snapshot) {
          const outside = keyOutside(snapshot, startKey);
          if (outside !== undefined) return kvrpcpb.RawScanResponse.create({ regionError: outside });
          const pairs = await snapshot.scan(family, startKey, limit, config.maxScanBytes);
          const kvs = pairs.map(({ key, value }) => kvrpcpb.KvPair.create({ key, value }));
          return kvrpcpb.RawScanResponse.create({ kvs });
        },
      });
    },
  };
}

function execute(
  store: RaftStoreHandle,
  context: RequiredContext,
  request: raft_cmdpb.Request,
): Promise<CommandResult> {
  return store.execute(raft_cmdpb.RaftCmdRequest.create({ header: context, requests: [request] }));
}

/** Reads through a linearizable snapshot of the region, which is closed whatever happens. */
async function withSnapshot<Response>(
  store: RaftStoreHandle,
  context: RequiredContext,
  outcome: { refused(error: errorpb.Error): Response; read(snapshot: RegionSnapshot): Promise<Response> },
): Promise<Response> {
  const snap = raft_cmdpb.Request.create({ cmdType: raft_cmdpb.CmdType.Snap, snap: {} });
  const result = await execute(store, context, snap);
  const { snapshot } = result;
  try {
    const refusal = regionErrorOf(result);
    if (refusal !== undefined) return outcome.refused(refusal);
    assert(snapshot !== undefined, 'a snap command succeeded without a snapshot', { regionId: context.regionId });
    return await outcome.read(snapshot);
  } finally {
    await snapshot?.close();
  }
}

function regionErrorOf(result: CommandResult): errorpb.Error | undefined {
  return result.response.header?.error;
}

/** A key that is not the region's: the caller's routing is out of date although its epoch was not. */
function keyOutside({ region }: RegionSnapshot, key: Uint8Array): errorpb.Error | undefined {
  const { id: regionId, startKey, endKey } = region;
  const isInside = Buffer.compare(key, startKey) >= 0 && (endKey.length === 0 || Buffer.compare(key, endKey) < 0);
  if (isInside) return undefined;
  return errorpb.Error.create({
    message: `the key is not in region ${regionId}`,
    keyNotInRegion: { key, regionId, startKey, endKey },
  });
}
