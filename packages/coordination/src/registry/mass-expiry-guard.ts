import type { Clock } from '@flotilla/runtime';
import type { ServiceInfo } from './service-info.ts';

/** What is believed of a loss of many instances at once; see `ServiceRegistryConfig`. */
export interface MassExpiryRules {
  readonly protectedShare: number;
  readonly protectedInstances: number;
  readonly protectionWindowMs: number;
  readonly retainMs: number;
}

interface Loss {
  readonly info: ServiceInfo;
  readonly lostMs: number;
  /** Until when it stays listed; unset while the loss is believed. */
  readonly untilMs: number | undefined;
}

/**
 * Tells the death of instances from trouble between them and the registry.
 *
 * One process that dies takes its lease with it. When most of a service vanishes within seconds and none of them said that it
 * left, the likelier cause is that they cannot reach the registry, while those who call them still can: what vanished within
 * the window stays listed for a while, and each instance that registers again, or says that it leaves, is taken at its word.
 *
 * Netflix's Eureka stops all eviction while fewer than 85 % of the expected renewals of all services together arrive, without
 * a limit in time; fleets of a few instances, where one loss is more than 15 %, then list the dead until an operator comes.
 * Here each service is counted alone, so the share is larger, single losses never count, and the time is bounded.
 */
export class MassExpiryGuard {
  readonly #rules: MassExpiryRules;
  readonly #clock: Clock;
  readonly #losses = new Map<string, Loss>();

  constructor(rules: MassExpiryRules, clock: Clock) {
    this.#rules = rules;
    this.#clock = clock;
  }

  /** Instances that are gone and stay listed. */
  get retained(): ReadonlyMap<string, ServiceInfo> {
    const retained = new Map<string, ServiceInfo>();
    const nowMs = this.#clock.monotonicMs();
    for (const [id, { info, untilMs }] of this.#losses) {
      if (untilMs !== undefined && untilMs > nowMs) retained.set(id, info);
    }
    return retained;
  }

  /** Milliseconds until the first retained instance is let go; undefined when there is none. */
  get nextReleaseMs(): number | undefined {
    let next: number | undefined;
    const nowMs = this.#clock.monotonicMs();
    for (const { untilMs } of this.#losses.values()) {
      if (untilMs !== undefined && untilMs > nowMs) next = Math.min(next ?? Number.POSITIVE_INFINITY, untilMs - nowMs);
    }
    return next;
  }

  /** Instances vanished without a word, and `left` of the service are still there. */
  lost(instances: readonly ServiceInfo[], left: number): void {
    const nowMs = this.#clock.monotonicMs();
    this.#forget(nowMs);
    for (const info of instances) this.#losses.set(info.instanceId, { info, lostMs: nowMs, untilMs: undefined });
    const { protectedShare, protectedInstances, retainMs } = this.#rules;
    const lost = this.#losses.size;
    if (lost < protectedInstances || lost <= protectedShare * (left + lost)) return;
    for (const [id, loss] of this.#losses) {
      if (loss.untilMs === undefined) this.#losses.set(id, { ...loss, untilMs: nowMs + retainMs });
    }
  }

  /** The instance registered again, or said that it leaves. */
  settle(instanceId: string): void {
    this.#losses.delete(instanceId);
  }

  #forget(nowMs: number): void {
    for (const [id, { lostMs, untilMs }] of this.#losses) {
      if ((untilMs ?? lostMs + this.#rules.protectionWindowMs) <= nowMs) this.#losses.delete(id);
    }
  }
}
