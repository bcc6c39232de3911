import { type MethodDefinition, schedulerpb } from '@flotilla/protocol';
import type { SchedulerCore } from '@flotilla/scheduler';
import type { handleBidiStreamingCall, ServerDuplexStream } from '@grpc/grpc-js';
import { type CallContext, decodeRequest } from './grpc-service.ts';
import { statusOf } from './request-error.ts';
import { failureHeader, refuseOtherCluster } from './scheduler-call.ts';

type Duplex<Response> = ServerDuplexStream<Buffer, Response>;

/** The scheduler's two endless calls: timestamps, and the heartbeats of one store's regions. */
export class SchedulerStreams {
  readonly #core: SchedulerCore;
  readonly #context: CallContext;
  readonly #open = new Set<Duplex<never>>();

  constructor(core: SchedulerCore, context: CallContext) {
    this.#core = core;
    this.#context = context;
  }

  /** Answers each request with its timestamps, in order; takes the next once the answer before is on its way. */
  readonly tso: handleBidiStreamingCall<Buffer, schedulerpb.TsoResponse> = (call) => {
    void this.#serve<schedulerpb.TsoRequest, schedulerpb.TsoResponse>(
      schedulerpb.Scheduler.tso,
      call,
      async (request) => this.#answerTso(request),
    );
  };

  /**
   * Answers each heartbeat, with an error in the header when it was refused. Orders for regions that the sender leads go
   * out as they are made; one that cannot is in the answer to the region's next heartbeat.
   */
  readonly regionHeartbeat: handleBidiStreamingCall<Buffer, schedulerpb.RegionHeartbeatResponse> = (call) => {
    let storeId = 0;
    const orders = this.#core.orders.subscribe((order) => {
      if (order.targetPeer?.storeId === storeId && isWritable(call)) call.write(order);
    });
    this.#serve<schedulerpb.RegionHeartbeatRequest, schedulerpb.RegionHeartbeatResponse>(
      schedulerpb.Scheduler.regionHeartbeat,
      call,
      async (request) => {
        storeId = request.leader?.storeId ?? storeId;
        return this.#answerHeartbeat(request);
      },
    ).finally(() => orders.unsubscribe());
  };

  /** Ends every stream, so that the server can shut down; clients open new ones elsewhere. */
  drain(): void {
    for (const call of this.#open) call.end();
  }

  #serve<Request, Response>(
    method: MethodDefinition<Request, Response>,
    call: Duplex<Response>,
    handle: (request: Request) => Promise<Response>,
  ): Promise<void> {
    const { nowMs, observe } = this.#context;
    const startMs = nowMs();
    this.#open.add(call as Duplex<never>);
    // Without a listener, the error of a call whose caller is gone would end the process; its end is seen below.
    call.on('error', () => {});
    return this.#exchange(method, call, handle)
      .then(
        () => {
          observe(method.path, 0, nowMs() - startMs);
          call.end();
        },
        (error: unknown) => {
          const status = statusOf(error);
          observe(method.path, status.code, nowMs() - startMs);
          if (!call.cancelled) {
            if (status.details.startsWith('internal error')) {
              this.#context.logger.error('a stream failed', { path: method.path, error });
            }
            call.emit('error', status);
          }
        },
      )
      .finally(() => this.#open.delete(call as Duplex<never>));
  }

  /**
   * Hands requests to `handle` one at a time, in order, and reads on once the answer has been taken: whoever does not
   * read the answers is not read from either. Not an iteration, as that would destroy the call before its status is sent.
   */
  #exchange<Request, Response>(
    method: MethodDefinition<Request, Response>,
    call: Duplex<Response>,
    handle: (request: Request) => Promise<Response>,
  ): Promise<void> {
    const answer = async (bytes: Buffer): Promise<void> => {
      const response = await handle(decodeRequest(method.requestDeserialize, bytes));
      if (isWritable(call) && !call.write(response)) await writable(call);
    };
    return new Promise((resolve, reject) => {
      call.on('data', (bytes: Buffer) => {
        call.pause();
        answer(bytes).then(() => call.resume(), reject);
      });
      call.on('end', resolve);
      call.on('close', resolve);
      call.on('cancelled', resolve);
    });
  }

  async #answerTso(request: schedulerpb.TsoRequest): Promise<schedulerpb.TsoResponse> {
    const { clusterId } = this.#core;
    try {
      refuseOtherCluster(clusterId, request.header);
      const timestamp = await this.#core.timestamps.allocate(request.count);
      return { header: { clusterId, error: undefined }, count: request.count, timestamp };
    } catch (error) {
      return { header: failureHeader(clusterId, error), count: 0, timestamp: undefined };
    }
  }

  #answerHeartbeat(request: schedulerpb.RegionHeartbeatRequest): schedulerpb.RegionHeartbeatResponse {
    const { clusterId } = this.#core;
    const regionId = request.region?.id ?? 0;
    try {
      refuseOtherCluster(clusterId, request.header);
      const result = this.#core.regionHeartbeat(request);
      if (result.type === 'answered') return result.response;
      const error = { type: schedulerpb.ErrorType.UNKNOWN, message: `${result.reason}: ${result.message}` };
      return schedulerpb.RegionHeartbeatResponse.create({ header: { clusterId, error }, regionId });
    } catch (error) {
      return schedulerpb.RegionHeartbeatResponse.create({ header: failureHeader(clusterId, error), regionId });
    }
  }
}

function isWritable(call: Duplex<never> | Duplex<unknown>): boolean {
  return !call.cancelled && !call.writableEnded && !call.destroyed;
}

/** Resolves when the stream takes more, or will never again. */
function writable(call: Duplex<never> | Duplex<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.off('drain', done);
      call.off('close', done);
      call.off('cancelled', done);
      resolve();
    };
    call.on('drain', done);
    call.on('close', done);
    call.on('cancelled', done);
  });
}
