import { flotillapb, schedulerpb } from '@flotilla/protocol';
import { SchedulerError } from '@flotilla/scheduler-client';
import type { ClusterOperators } from '../src/cluster-connection.ts';

/** A scheduler's orders in memory: it takes every order, and tests say what becomes of it. */
export class MemoryOperators implements ClusterOperators {
  regions: flotillapb.RegionInfo[] = [];
  stores: flotillapb.StoreInfo[] = [];
  readonly ordered: { readonly regionId: number; readonly order: Partial<flotillapb.RegionOrder> }[] = [];
  /** Thrown at the next order. */
  refusal: SchedulerError | undefined;
  /** The operator as it stands; undefined once the scheduler has forgotten it. */
  current: flotillapb.OperatorInfo | undefined;

  async order(regionId: number, order: Partial<flotillapb.RegionOrder>): Promise<flotillapb.OperatorInfo> {
    if (this.refusal !== undefined) throw this.refusal;
    this.ordered.push({ regionId, order });
    const steps = ['add the learner', 'promote'].map((description) => ({ description, isFinished: false }));
    const status = schedulerpb.OperatorStatus.RUNNING;
    this.current = flotillapb.OperatorInfo.create({ id: 31, regionId, kind: 'admin', status, steps });
    return this.current;
  }

  /** Finishes the operator's next step; after the last one it is done. */
  finishStep(): void {
    const { current } = this;
    if (current === undefined) return;
    const next = current.steps.findIndex(({ isFinished }) => !isFinished);
    const steps = current.steps.map((step, position) => ({ ...step, isFinished: position <= next }));
    const { SUCCESS, RUNNING } = schedulerpb.OperatorStatus;
    const isDone = steps.every(({ isFinished }) => isFinished);
    this.current = { ...current, steps, status: isDone ? SUCCESS : RUNNING };
  }

  async find(): Promise<flotillapb.OperatorInfo | undefined> {
    return this.current;
  }

  async cancel(): Promise<flotillapb.OperatorInfo | undefined> {
    if (this.current === undefined) return undefined;
    this.current = { ...this.current, status: schedulerpb.OperatorStatus.CANCEL, reason: 'cancelled' };
    return this.current;
  }

  async getRegion(regionId: number): Promise<flotillapb.RegionInfo> {
    const found = this.regions.find(({ region }) => region?.id === regionId);
    if (found === undefined) throw new SchedulerError('regionNotFound', `region ${regionId} is unknown`);
    return { ...found, operator: this.current };
  }

  async getRegionAt(key: Uint8Array): Promise<flotillapb.RegionInfo | undefined> {
    return this.regions.find(({ region }) => {
      const { startKey, endKey } = region ?? { startKey: key, endKey: key };
      return Buffer.compare(startKey, key) <= 0 && (endKey.length === 0 || Buffer.compare(key, endKey) < 0);
    });
  }

  async listRegions(): Promise<readonly flotillapb.RegionInfo[]> {
    return this.regions;
  }

  async listStores(): Promise<readonly flotillapb.StoreInfo[]> {
    return this.stores;
  }
}
