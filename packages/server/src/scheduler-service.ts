import { type MethodDefinition, metapb, schedulerpb } from '@flotilla/protocol';
import type { RegionView, SchedulerCore } from '@flotilla/scheduler';
import { describeOperator, SchedulerError } from '@flotilla/scheduler-client';
import { type CallContext, type GrpcService, serveUnary, undecoded } from './grpc-service.ts';
import { required, type ServeSchedulerCall, schedulerCalls } from './scheduler-call.ts';
import { SchedulerStreams } from './scheduler-streams.ts';

/** What the scheduler's service needs. */
export interface SchedulerServiceOptions {
  readonly core: SchedulerCore;
  readonly context: CallContext;
  /** How this scheduler is called, and where clients reach it, as `http://host:port`. */
  readonly member: { readonly name: string; readonly clientUrls: readonly string[] };
}

/** The most regions in one answer to a scan; whoever asked for more asks again from the last one's end. */
export const maxScannedRegions = 4096;

/**
 * TinyKV's scheduler service over a `SchedulerCore`. An expected failure is told in the answer's header, as its clients
 * look for it there; a request that is wrong in itself ends with the status `INVALID_ARGUMENT`.
 */
export function createSchedulerService(options: SchedulerServiceOptions): GrpcService {
  const { core, context } = options;
  const streams = new SchedulerStreams(core, context);
  const unary = schedulerCalls(core, context);
  const methods = Object.entries(schedulerpb.Scheduler) as [string, MethodDefinition<unknown, unknown>][];
  return {
    definition: Object.fromEntries(methods.map(([name, method]) => [name, undecoded(method)])),
    implementation: {
      getMembers: serveUnary(schedulerpb.Scheduler.getMembers, context, async () => {
        const { name, clientUrls } = options.member;
        const member = schedulerpb.Member.create({ name, memberId: 1, clientUrls });
        const header = { clusterId: core.clusterId, error: undefined };
        return { header, members: [member], leader: member, etcdLeader: undefined };
      }),
      ...identityCalls(core, unary),
      ...regionCalls(core, unary),
      ...settingCalls(core, unary),
      tso: streams.tso,
      regionHeartbeat: streams.regionHeartbeat,
    },
    drain: () => streams.drain(),
  };
}

/** Who is there: the bootstrap, ids and stores. */
function identityCalls(core: SchedulerCore, unary: ServeSchedulerCall) {
  const { Scheduler } = schedulerpb;
  return {
    bootstrap: unary(Scheduler.bootstrap, schedulerpb.BootstrapResponse, async ({ store, region }) => {
      const outcome = await core.bootstrap(required(store, 'store'), region);
      if (outcome === 'bootstrapped') return {};
      throw new SchedulerError('alreadyBootstrapped', 'the cluster is bootstrapped already');
    }),
    isBootstrapped: unary(Scheduler.isBootstrapped, schedulerpb.IsBootstrappedResponse, async () => {
      return { bootstrapped: core.isBootstrapped };
    }),
    allocID: unary(Scheduler.allocID, schedulerpb.AllocIDResponse, async () => ({ id: await core.ids.allocate() })),
    getStore: unary(Scheduler.getStore, schedulerpb.GetStoreResponse, async ({ storeId }) => {
      const view = core.getStore(storeId);
      return { store: view?.store, stats: view?.stats };
    }),
    putStore: unary(Scheduler.putStore, schedulerpb.PutStoreResponse, async ({ store }) => {
      await core.putStore(required(store, 'store'));
      return {};
    }),
    getAllStores: unary(Scheduler.getAllStores, schedulerpb.GetAllStoresResponse, async (request) => {
      const stores = core.getAllStores().map((view) => view.store);
      return {
        stores: request.excludeTombstoneStores
          ? stores.filter((store) => store.state !== metapb.StoreState.Tombstone)
          : stores,
      };
    }),
    storeHeartbeat: unary(Scheduler.storeHeartbeat, schedulerpb.StoreHeartbeatResponse, async ({ stats }) => {
      core.storeHeartbeat(required(stats, 'stats'));
      return {};
    }),
  };
}

/** What is where: regions, splits and operators. */
function regionCalls(core: SchedulerCore, unary: ServeSchedulerCall) {
  const { Scheduler } = schedulerpb;
  return {
    getRegion: unary(Scheduler.getRegion, schedulerpb.GetRegionResponse, async ({ regionKey }) => {
      return toAnswer(core.getRegion(regionKey));
    }),
    getPrevRegion: unary(Scheduler.getPrevRegion, schedulerpb.GetRegionResponse, async ({ regionKey }) => {
      return toAnswer(core.getPreviousRegion(regionKey));
    }),
    getRegionByID: unary(Scheduler.getRegionByID, schedulerpb.GetRegionResponse, async ({ regionId }) => {
      return toAnswer(core.getRegionById(regionId));
    }),
    scanRegions: unary(Scheduler.scanRegions, schedulerpb.ScanRegionsResponse, async ({ startKey, endKey, limit }) => {
      const most = limit > 0 ? Math.min(limit, maxScannedRegions) : maxScannedRegions;
      const views = core.scanRegions(startKey, endKey, most);
      const noPeer = { id: 0, storeId: 0, role: 0 } as const;
      return { regions: views.map((view) => view.region), leaders: views.map((view) => view.leader ?? noPeer) };
    }),
    askSplit: unary(Scheduler.askSplit, schedulerpb.AskSplitResponse, ({ region, splitCount }) => {
      return core.askSplit(required(region, 'region'), splitCount === 0 ? 1 : splitCount);
    }),
    reportSplit: unary(Scheduler.reportSplit, schedulerpb.ReportSplitResponse, async ({ left, right, regions }) => {
      core.reportSplit(regions.length > 0 ? regions : [required(left, 'left'), required(right, 'right')]);
      return {};
    }),
    scatterRegion: unary(Scheduler.scatterRegion, schedulerpb.ScatterRegionResponse, async () => {
      throw new SchedulerError('unknown', 'this scheduler does not scatter regions');
    }),
    getOperator: unary(Scheduler.getOperator, schedulerpb.GetOperatorResponse, async ({ regionId }) => {
      const record = core.getOperator(regionId);
      if (record === undefined) throw new SchedulerError('regionNotFound', `region ${regionId} has had no operator`);
      const desc = Buffer.from(describeOperator(record.operator));
      return { regionId, desc, status: record.status, kind: Buffer.from('admin') };
    }),
  };
}

/** What holds for the whole cluster. */
function settingCalls(core: SchedulerCore, unary: ServeSchedulerCall) {
  const { Scheduler } = schedulerpb;
  return {
    getClusterConfig: unary(Scheduler.getClusterConfig, schedulerpb.GetClusterConfigResponse, async () => {
      return { cluster: core.getClusterConfig() };
    }),
    putClusterConfig: unary(Scheduler.putClusterConfig, schedulerpb.PutClusterConfigResponse, async ({ cluster }) => {
      await core.putClusterConfig(required(cluster, 'cluster'));
      return {};
    }),
    getGCSafePoint: unary(Scheduler.getGCSafePoint, schedulerpb.GetGCSafePointResponse, async () => {
      return { safePoint: core.getGcSafePoint() };
    }),
    updateGCSafePoint: unary(Scheduler.updateGCSafePoint, schedulerpb.UpdateGCSafePointResponse, async (request) => {
      return { newSafePoint: await core.updateGcSafePoint(request.safePoint) };
    }),
  };
}

function toAnswer(view: RegionView | undefined): Partial<schedulerpb.GetRegionResponse> {
  if (view === undefined) return {};
  const { region, leader } = view;
  return { region, leader, slaves: region.peers.filter((peer) => peer.id !== leader?.id) };
}
