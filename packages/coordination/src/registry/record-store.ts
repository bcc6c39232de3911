import { BackendError } from '../backend/backend-error.ts';
import type { CoordinationBackend } from '../backend/coordination-backend.ts';
import type { Compare } from '../backend/transaction.ts';
import { ConflictError } from '../coordination-error.ts';
import { NotRegisteredError } from './registry-error.ts';
import type { ServiceInfo } from './service-info.ts';
import type { ServiceLayout } from './service-layout.ts';
import { decodeRecord, encodeRecord, type ServiceRecord } from './service-record.ts';

/** The most attempts of a write that others keep overtaking. */
const maxAttempts = 64;

/** A record as it stands. */
export interface StoredRecord {
  /** Unset for what is no record. */
  readonly record: ServiceRecord | undefined;
  readonly modRevision: bigint;
  readonly leaseId: bigint;
}

/** A record that was written. */
export interface WrittenRecord {
  readonly info: ServiceInfo;
  readonly revision: bigint;
}

/** Which instance, and until when the caller waits. */
export interface RecordTarget {
  readonly name: string;
  readonly instanceId: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads and writes records of instances. Each write replaces exactly the version that was read before it. So one whose answer
 * was lost can be tried again: either it took effect and is found, or the next attempt makes it void.
 */
export class RecordStore {
  readonly #backend: CoordinationBackend;
  readonly #layout: ServiceLayout;

  constructor(backend: CoordinationBackend, layout: ServiceLayout) {
    this.#backend = backend;
    this.#layout = layout;
  }

  async read({ name, instanceId, signal }: RecordTarget): Promise<{
    readonly stored: StoredRecord | undefined;
    readonly revision: bigint;
  }> {
    const key = this.#layout.instanceKey(name, instanceId);
    const { kvs, revision } = await this.#backend.range({ key }, { signal });
    const kv = kvs[0];
    if (kv === undefined) return { stored: undefined, revision };
    const { modRevision, leaseId, value } = kv;
    return { stored: { record: decodeRecord(name, instanceId, value), modRevision, leaseId }, revision };
  }

  /**
   * Puts a record in place of what was read, on a lease; undefined when it is there no more. An unknown outcome counts as a
   * failure too: reading again tells.
   */
  async claim(
    { name, instanceId, signal }: RecordTarget,
    before: StoredRecord | undefined,
    record: ServiceRecord,
    leaseId: bigint,
  ): Promise<bigint | undefined> {
    const key = this.#layout.instanceKey(name, instanceId);
    return await this.#write(key, before, { value: encodeRecord(record), leaseId }, signal);
  }

  /**
   * Replaces a record by what `change` makes of it and leaves its lease as it is; writes nothing when that is undefined.
   *
   * @throws {NotRegisteredError} with code `conflict`.
   * @throws {BackendError}
   */
  async modify(
    target: RecordTarget,
    change: (record: ServiceRecord, stored: StoredRecord) => ServiceRecord | undefined,
  ): Promise<WrittenRecord> {
    const { name, instanceId, signal } = target;
    const key = this.#layout.instanceKey(name, instanceId);
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const { stored, revision: readRevision } = await this.read(target);
      const record = stored?.record;
      if (stored === undefined || record === undefined || record.isLeaving) {
        throw new NotRegisteredError(name, instanceId);
      }
      const changed = change(record, stored);
      if (changed === undefined) return { info: record.info, revision: readRevision };
      const revision = await this.#write(key, stored, { value: encodeRecord(changed), keepLease: true }, signal);
      if (revision !== undefined) return { info: changed.info, revision };
    }
    throw this.#overtaken(target);
  }

  /**
   * Says that an instance leaves on purpose, so that whoever watches takes its deletion for no death. Returns the revision of
   * the record; undefined when there is none. With `leaseId`, only a record that hangs on this lease.
   */
  async markLeaving(target: RecordTarget, leaseId?: bigint): Promise<bigint | undefined> {
    const key = this.#layout.instanceKey(target.name, target.instanceId);
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const { stored } = await this.read(target);
      if (stored === undefined || (leaseId !== undefined && stored.leaseId !== leaseId)) return undefined;
      const { record, modRevision } = stored;
      if (record === undefined || record.isLeaving) return modRevision;
      const leaving = { value: encodeRecord({ ...record, isLeaving: true }), keepLease: true };
      const revision = await this.#write(key, stored, leaving, target.signal);
      if (revision !== undefined) return revision;
    }
    throw this.#overtaken(target);
  }

  /** Marks a record as leaving and deletes it. Returns whether it was there. */
  async remove(target: RecordTarget): Promise<boolean> {
    const key = this.#layout.instanceKey(target.name, target.instanceId);
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const modRevision = await this.markLeaving(target);
      if (modRevision === undefined) return attempt > 0;
      if (await this.#delete(key, modRevision, target.signal)) return true;
    }
    throw this.#overtaken(target);
  }

  #overtaken({ instanceId }: RecordTarget): ConflictError {
    return new ConflictError(`instance ${JSON.stringify(instanceId)}: others keep changing its record`);
  }

  async #write(
    key: Uint8Array,
    before: StoredRecord | undefined,
    put: { readonly value: Uint8Array; readonly leaseId?: bigint; readonly keepLease?: boolean },
    signal: AbortSignal | undefined,
  ): Promise<bigint | undefined> {
    const compare: Compare = { key, result: '=', target: 'modRevision', modRevision: before?.modRevision ?? 0n };
    const request = { compare: [compare], success: [{ type: 'put', key, ...put } as const] };
    try {
      const { succeeded, revision } = await this.#backend.transact(request, { signal });
      return succeeded ? revision : undefined;
    } catch (error) {
      if (error instanceof BackendError && error.code === 'outcomeUnknown' && signal?.aborted !== true)
        return undefined;
      throw error;
    }
  }

  async #delete(key: Uint8Array, modRevision: bigint, signal: AbortSignal | undefined): Promise<boolean> {
    const compare: Compare = { key, result: '=', target: 'modRevision', modRevision };
    try {
      const result = await this.#backend.transact(
        { compare: [compare], success: [{ type: 'delete', key }] },
        { signal },
      );
      return result.succeeded;
    } catch (error) {
      if (error instanceof BackendError && error.code === 'outcomeUnknown' && signal?.aborted !== true) return false;
      throw error;
    }
  }
}
