import { type ChannelOptions, connectivityState, experimental, status } from '@grpc/grpc-js';
import { BalancedInstance } from './balanced-instance.ts';
import { type ChannelContext, contextOf, instancesOf, type ResolvedInstance } from './channel-context.ts';
import { ServicePicker } from './service-picker.ts';

/** The name of the balancer in service configurations. */
export const serviceBalancing = 'flotilla_service';

/** The configuration of the balancer, which has nothing to configure: the channel's context says it all. */
export class ServiceBalancingConfig implements experimental.TypedLoadBalancingConfig {
  getLoadBalancerName(): string {
    return serviceBalancing;
  }

  toJsonObject(): object {
    return { [serviceBalancing]: {} };
  }

  static createFromJson(): ServiceBalancingConfig {
    return new ServiceBalancingConfig();
  }
}

interface Child {
  readonly balanced: BalancedInstance;
  readonly address: string;
}

/**
 * Keeps a connection to every instance of a service and spreads requests over those that are connected. A change of the list
 * touches only who came, went or moved; requests under way on an instance that goes run to their end.
 */
export class ServiceBalancer implements experimental.LoadBalancer {
  readonly #helper: experimental.ChannelControlHelper;
  #context: ChannelContext | undefined;
  #children = new Map<string, Child>();
  /** Whether states are being changed from here, and are looked at afterwards. */
  #isUpdating = false;
  #isSettling = false;
  #lastError = '';
  #note = '';

  constructor(helper: experimental.ChannelControlHelper) {
    this.#helper = helper;
  }

  updateAddressList(
    endpoints: experimental.StatusOr<experimental.Endpoint[]>,
    _config: experimental.TypedLoadBalancingConfig,
    options: ChannelOptions,
    note: string,
  ): boolean {
    if (!endpoints.ok) {
      // What is connected goes on without the registry.
      if (this.#children.size === 0) this.#fail(endpoints.error.details);
      return true;
    }
    this.#context = contextOf(options);
    this.#note = note;
    this.#isUpdating = true;
    this.#follow(instancesOf(options), options);
    this.#isUpdating = false;
    this.#context.detector.keep([...this.#children.keys()]);
    this.#settle();
    return true;
  }

  exitIdle(): void {
    for (const { balanced } of this.#children.values()) balanced.leaf.exitIdle();
  }

  resetBackoff(): void {
    // Connections keep their own pauses.
  }

  destroy(): void {
    this.#context = undefined;
    for (const { balanced } of this.#children.values()) balanced.leaf.destroy();
    this.#children.clear();
  }

  getTypeName(): string {
    return serviceBalancing;
  }

  #follow(resolved: readonly ResolvedInstance[], options: ChannelOptions): void {
    const before = this.#children;
    this.#children = new Map();
    for (const { instance, endpoint } of resolved) {
      const known = before.get(instance.instanceId);
      if (known?.address === instance.address) {
        before.delete(instance.instanceId);
        known.balanced.instance = instance;
        this.#children.set(instance.instanceId, known);
        continue;
      }
      const onStateChange = (error: string | null): void => this.#onStateChange(error);
      const helper = this.#helper;
      const balanced = new BalancedInstance(instance, { helper, channelOptions: options, endpoint, onStateChange });
      this.#children.set(instance.instanceId, { balanced, address: instance.address });
      balanced.leaf.startConnecting();
    }
    for (const { balanced } of before.values()) balanced.leaf.destroy();
  }

  /** Looks at all instances once, however many of them change in one turn of the loop. */
  #onStateChange(error: string | null): void {
    if (error !== null) this.#lastError = error;
    if (this.#isUpdating || this.#isSettling || this.#context === undefined) return;
    this.#isSettling = true;
    this.#context.runtime.timers.defer(() => {
      this.#isSettling = false;
      if (this.#context !== undefined) this.#settle();
    });
  }

  /** Tells the channel where it stands. */
  #settle(): void {
    const { IDLE, CONNECTING, READY } = connectivityState;
    const children = [...this.#children.values()].map(({ balanced }) => balanced);
    // Every instance stays connected, so that none is late when its turn comes.
    this.#isUpdating = true;
    for (const { leaf } of children) if (leaf.getConnectivityState() === IDLE) leaf.exitIdle();
    this.#isUpdating = false;
    const ready = children.filter(({ leaf }) => leaf.getConnectivityState() === READY);
    if (this.#context !== undefined && ready.length > 0) {
      this.#helper.updateState(READY, new ServicePicker(this.#context, ready), null);
    } else if (children.some(({ leaf }) => leaf.getConnectivityState() === CONNECTING)) {
      this.#helper.updateState(CONNECTING, new experimental.QueuePicker(this), null);
    } else if (children.some(({ leaf }) => leaf.getConnectivityState() === IDLE)) {
      this.#helper.updateState(IDLE, new experimental.QueuePicker(this), null);
    } else {
      const reason = children.length === 0 ? `no instance to connect to (${this.#note})` : this.#lastError;
      this.#fail(reason);
    }
  }

  #fail(reason: string): void {
    const picker = new experimental.UnavailablePicker({ code: status.UNAVAILABLE, details: reason });
    this.#helper.updateState(connectivityState.TRANSIENT_FAILURE, picker, reason);
  }
}
