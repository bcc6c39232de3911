import { experimental, status } from '@grpc/grpc-js';
import type { BalancedInstance } from './balanced-instance.ts';
import type { ChannelContext } from './channel-context.ts';

/** Statuses that speak against the instance rather than against the request. */
const failures: ReadonlySet<status> = new Set([
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

/** Chooses among the instances that are connected, in the order of their ids; at least one. */
export class ServicePicker implements experimental.Picker {
  readonly #context: ChannelContext;
  readonly #ready: readonly BalancedInstance[];
  #isSettling = false;

  constructor(context: ChannelContext, ready: readonly BalancedInstance[]) {
    this.#context = context;
    this.#ready = ready;
  }

  pick(args: experimental.PickArgs): experimental.PickResult {
    const { picker, detector, stickyHeader } = this.#context;
    const stickyKey = args.metadata.get(stickyHeader)[0]?.toString();
    const chosen = picker.pick(this.#candidates(), stickyKey);
    const result = chosen.leaf.getPicker().pick(args);
    if (result.pickResultType !== experimental.PickResultType.COMPLETE) return result;
    chosen.given();
    this.#settleSoon();
    return {
      ...result,
      onCallStarted: () => {
        chosen.started();
        result.onCallStarted?.();
      },
      onCallEnded: (code, details, metadata) => {
        chosen.ended();
        detector.record(chosen.instance.instanceId, failures.has(code));
        result.onCallEnded?.(code, details, metadata);
      },
    };
  }

  /** Those that are not ejected, of the preferred zone where it has any; all, before there is nobody left. */
  #candidates(): readonly BalancedInstance[] {
    const { detector, zone } = this.#context;
    const good = this.#ready.filter(({ instance }) => !detector.isEjected(instance.instanceId));
    const usable = good.length > 0 ? good : this.#ready;
    if (zone === undefined) return usable;
    const near = usable.filter(({ instance }) => instance.metadata['zone'] === zone);
    return near.length > 0 ? near : usable;
  }

  /** A request that was given to an instance begins before deferred work runs; those that were cancelled never do. */
  #settleSoon(): void {
    if (this.#isSettling) return;
    this.#isSettling = true;
    this.#context.runtime.timers.defer(() => {
      this.#isSettling = false;
      for (const instance of this.#ready) instance.settleGiven();
    });
  }
}
