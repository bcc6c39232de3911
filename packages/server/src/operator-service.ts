import { flotillapb, type MethodDefinition } from '@flotilla/protocol';
import type { PeerSelector, RegionOrder, RegionView, SchedulerCore } from '@flotilla/scheduler';
import { describeOperator, describeStep, type OperatorRecord, SchedulerError } from '@flotilla/scheduler-client';
import { type CallContext, type GrpcService, undecoded } from './grpc-service.ts';
import { required, schedulerCalls } from './scheduler-call.ts';

/** What the service needs. */
export interface OperatorServiceOptions {
  readonly core: SchedulerCore;
  readonly context: CallContext;
}

/** The most regions in one answer; whoever wants more asks again from the last one's end. */
const maxListedRegions = 1024;

/**
 * The service `flotillapb.Operators` over a `SchedulerCore`: orders of people, and what they look at. An order that cannot
 * be carried out as things stand ends with the status `FAILED_PRECONDITION`, with what is in the way.
 */
export function createOperatorService({ core, context }: OperatorServiceOptions): GrpcService {
  const unary = schedulerCalls(core, context);
  const { Operators } = flotillapb;
  const infoOf = (record: OperatorRecord | undefined) =>
    record === undefined ? undefined : operatorInfo(record, context.nowMs());
  const methods = Object.entries(Operators) as [string, MethodDefinition<unknown, unknown>][];
  return {
    definition: Object.fromEntries(methods.map(([name, method]) => [name, undecoded(method)])),
    implementation: {
      orderOperator: unary(Operators.orderOperator, flotillapb.OrderOperatorResponse, async ({ regionId, order }) => {
        return { operator: infoOf(await core.orderOperator(regionId, readOrder(required(order, 'order')))) };
      }),
      findOperator: unary(Operators.findOperator, flotillapb.FindOperatorResponse, async ({ operatorId }) => {
        return { operator: infoOf(core.getOperatorById(operatorId)) };
      }),
      cancelOperator: unary(Operators.cancelOperator, flotillapb.CancelOperatorResponse, async ({ operatorId }) => {
        return { operator: infoOf(core.cancelOperator(operatorId)) };
      }),
      listOperators: unary(Operators.listOperators, flotillapb.ListOperatorsResponse, async () => {
        return { operators: core.listOperators().map((record) => operatorInfo(record, context.nowMs())) };
      }),
      listRegions: unary(Operators.listRegions, flotillapb.ListRegionsResponse, async (request) => {
        const regions = regionsOf(core, request);
        return { regions: regions.map((view) => regionInfo(view, infoOf(core.getOperator(view.region.id)))) };
      }),
      listStores: unary(Operators.listStores, flotillapb.ListStoresResponse, async () => {
        return {
          stores: core.getAllStores().map(({ store, stats, liveness, silentMs }) => {
            return flotillapb.StoreInfo.create({ store, stats, liveness, silentMs: Math.round(silentMs ?? 0) });
          }),
        };
      }),
    },
  };
}

function regionsOf(core: SchedulerCore, { regionId, startKey, limit }: flotillapb.ListRegionsRequest): RegionView[] {
  if (regionId === 0) {
    return core.scanRegions(
      startKey,
      new Uint8Array(0),
      limit > 0 ? Math.min(limit, maxListedRegions) : maxListedRegions,
    );
  }
  const view = core.getRegionById(regionId);
  if (view === undefined) throw new SchedulerError('regionNotFound', `region ${regionId} is unknown`);
  return [view];
}

function regionInfo(view: RegionView, operator: flotillapb.OperatorInfo | undefined): flotillapb.RegionInfo {
  return flotillapb.RegionInfo.create({ ...view, operator });
}

function operatorInfo(record: OperatorRecord, nowMs: number): flotillapb.OperatorInfo {
  const { operator, status, finishedSteps, createdAtMs, endedAtMs, reason } = record;
  return flotillapb.OperatorInfo.create({
    id: operator.id,
    regionId: operator.regionId,
    kind: operator.kind,
    description: describeOperator(operator),
    status,
    steps: operator.steps.map((step, position) => {
      return { description: describeStep(step), isFinished: position < finishedSteps };
    }),
    reason,
    ageMs: Math.max(0, Math.round((endedAtMs ?? nowMs) - createdAtMs)),
  });
}

/** @throws {SchedulerError} with code `invalidArgument` when the order lacks what its type needs. */
function readOrder(order: flotillapb.RegionOrder): RegionOrder {
  const { AddPeer, RemovePeer, MovePeer, TransferLeader, SplitRegion } = flotillapb.OrderType;
  switch (order.type) {
    case AddPeer:
      return { type: 'addPeer', storeId: idOf(order.storeId, 'order.store_id') };
    case RemovePeer:
      return { type: 'removePeer', peer: selectorOf(order.peerId, order.fromStoreId, 'order.from_store_id') };
    case MovePeer: {
      const peer = selectorOf(order.peerId, order.fromStoreId, 'order.from_store_id');
      return { type: 'movePeer', peer, storeId: idOf(order.storeId, 'order.store_id') };
    }
    case TransferLeader:
      return { type: 'transferLeader', peer: selectorOf(order.peerId, order.storeId, 'order.store_id') };
    case SplitRegion:
      return { type: 'splitRegion', keys: order.keys };
    default:
      throw new SchedulerError('invalidArgument', `order.type: ${order.type} is no order`);
  }
}

function selectorOf(peerId: number, storeId: number, storeField: string): PeerSelector {
  return peerId > 0 ? { peerId } : { storeId: idOf(storeId, storeField) };
}

function idOf(id: number, field: string): number {
  if (id < 1) throw new SchedulerError('invalidArgument', `${field}: missing`);
  return id;
}
