import { errorpb, flotillapb, raft_cmdpb } from '@flotilla/protocol';
import type { RaftStoreHandle } from '@flotilla/raftstore';
import type { ServerConfig } from './config.ts';
import { type CallContext, type GrpcService, serveUnary, undecoded } from './grpc-service.ts';
import { checkKey, checkPayload, requireContext } from './input-limits.ts';
import { type LocalStream, ServedStreams } from './served-streams.ts';
import type { TinyKvServiceOptions } from './tinykv-service.ts';

/** The calls of a store's state machines. */
export interface MachineCalls {
  /** @throws {RequestError} as both here, with code `invalidArgument`, for input that is out of its limits. */
  call(request: flotillapb.MachineCallRequest): Promise<flotillapb.MachineCallResponse>;
  subscribe(request: flotillapb.MachineSubscribeRequest): LocalStream<flotillapb.MachinePiece>;
}

/** The calls over `store`. What the region refuses is in the answer's `regionError`, or in a first and last piece. */
export function createMachineCalls(store: RaftStoreHandle, config: ServerConfig): MachineCalls {
  let subscriptions = 0;
  return {
    async call({ context, key, payload, isRead }) {
      const header = requireContext(context);
      checkKey(key, config);
      checkPayload(payload, config);
      const call = { key, payload, isRead };
      const requests = [raft_cmdpb.Request.create({ cmdType: raft_cmdpb.CmdType.Call, call })];
      const { response } = await store.execute(raft_cmdpb.RaftCmdRequest.create({ header, requests }));
      const regionError = response.header?.error;
      if (regionError !== undefined) return flotillapb.MachineCallResponse.create({ regionError });
      return flotillapb.MachineCallResponse.create({ payload: response.responses[0]?.call?.payload ?? noBytes });
    },

    subscribe({ context, key, payload }) {
      requireContext(context);
      checkKey(key, config);
      checkPayload(payload, config);
      if (subscriptions >= config.maxSubscriptions) return refusal(tooMany);
      const outcome = store.subscribe(key, payload);
      if (outcome.type === 'refused') return refusal(outcome.error);
      subscriptions += 1;
      const { subscription } = outcome;
      let isOpen = true;
      const close = (): void => {
        if (!isOpen) return;
        isOpen = false;
        subscriptions -= 1;
        subscription.close();
      };
      return {
        async next() {
          const piece = await subscription.next();
          if (piece === undefined) close();
          return piece === undefined ? undefined : flotillapb.MachinePiece.create({ payload: piece });
        },
        get isCutOff() {
          return subscription.isCutOff;
        },
        close,
      };
    },
  };
}

/** The service `flotillapb.Machines` of one store. */
export function createMachineService(options: TinyKvServiceOptions): GrpcService {
  const { store, config, runtime } = options;
  const { Machines } = flotillapb;
  const context: CallContext = {
    clusterId: store.clusterId,
    logger: runtime.logger,
    maxRequestBytes: config.maxRequestBytes,
    nowMs: () => runtime.clock.monotonicMs(),
    observe: options.observe ?? (() => {}),
  };
  const calls = createMachineCalls(store, config);
  const streams = new ServedStreams(context);
  return {
    definition: { call: undecoded(Machines.call), subscribe: undecoded(Machines.subscribe) },
    implementation: {
      call: serveUnary(Machines.call, context, (request) => calls.call(request)),
      subscribe: streams.serve(Machines.subscribe, (request) => calls.subscribe(request)),
    },
    drain: () => streams.drain(),
  };
}

/** A stream that tells why there is none. */
function refusal(regionError: errorpb.Error): LocalStream<flotillapb.MachinePiece> {
  let isTold = false;
  return {
    async next() {
      if (isTold) return undefined;
      isTold = true;
      return flotillapb.MachinePiece.create({ regionError });
    },
    isCutOff: false,
    close: () => {
      isTold = true;
    },
  };
}

const noBytes = new Uint8Array(0);
const reason = 'too many subscriptions are open';
const tooMany = errorpb.Error.create({ message: `the store is busy: ${reason}`, serverIsBusy: { reason } });
