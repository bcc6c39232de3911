import type { Random } from '@flotilla/runtime';
import {
  BackendError,
  type Compare,
  type CoordinationBackend,
  type KeyRange,
  type KeyValue,
  type Operation,
  type OperationResult,
  prefixRange,
  type RangeRequest,
  type WatchEvent,
} from '../../src/index.ts';

/** One step of a sequence: what is called, and with what. Revisions are relative to the sequence's start. */
export interface RandomStep {
  readonly text: string;
  run(backend: CoordinationBackend, base: bigint): Promise<unknown>;
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const keys = ['a', 'a/1', 'a/2', 'b', 'b\0', 'c'];
const values = ['', '1', '2', '22'];
const results = ['=', '!=', '<', '>'] as const;
const targets = ['key', 'version', 'createRevision', 'modRevision', 'value'] as const;
/** Leases of a sequence, by ids that the test chooses. */
export const leaseIds = [11n, 12n, 13n];

/** Draws the calls of one sequence. */
export class RandomOperations {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  step(): RandomStep {
    const draw = this.#random.integer(0, 100);
    if (draw < 25) return this.#put();
    if (draw < 35) return this.#delete();
    if (draw < 55) return this.#range();
    if (draw < 80) return this.#transaction();
    if (draw < 84) return this.#compact();
    return this.#lease();
  }

  #put(): RandomStep {
    const request = this.#putRequest();
    return stepOf('put', request, (backend) => backend.put(request));
  }

  #delete(): RandomStep {
    const request = { ...this.#keyRange(), previous: this.#flip() };
    return stepOf('delete', request, (backend) => backend.delete(request));
  }

  #range(): RandomStep {
    const request = this.#rangeRequest();
    const past = this.#flip(4) ? this.#offset() : undefined;
    return stepOf('range', { ...request, past }, (backend, base) =>
      backend.range({ ...absolute(request, base), ...(past === undefined ? {} : { revision: clamp(base + past) }) }),
    );
  }

  #transaction(): RandomStep {
    const compare = this.#list(3, () => this.#compare());
    const success = this.#operations(0);
    const failure = this.#operations(0);
    return stepOf('transact', { compare: compare.map(({ of }) => of), success, failure }, (backend, base) =>
      backend.transact({
        compare: compare.map(({ at }) => at(base)),
        success: success.map((operation) => absoluteOperation(operation, base)),
        failure: failure.map((operation) => absoluteOperation(operation, base)),
      }),
    );
  }

  #compact(): RandomStep {
    const offset = this.#offset();
    return stepOf('compact', { offset }, (backend, base) => backend.compact(clamp(base + offset)));
  }

  #lease(): RandomStep {
    const leaseId = this.#one(leaseIds);
    const draw = this.#random.integer(0, 4);
    if (draw < 2) return stepOf('grant', { leaseId }, (backend) => backend.grantLease({ ttlMs: 600_000, leaseId }));
    if (draw === 2) return stepOf('revoke', { leaseId }, (backend) => backend.revokeLease(leaseId));
    return stepOf('status', { leaseId }, async (backend) => {
      const { keys: held, grantedTtlMs } = await backend.leaseStatus(leaseId, { keys: true });
      return { grantedTtlMs, keys: held.map((key) => Buffer.from(key).toString()).sort() };
    });
  }

  #operations(depth: number): Operation[] {
    return this.#list(4, () => {
      const draw = this.#random.integer(0, depth < 2 ? 10 : 9);
      if (draw < 4) return { type: 'put', ...this.#putRequest() };
      if (draw < 6) return { type: 'delete', ...this.#boundedRange(), previous: this.#flip() };
      if (draw < 9) return { type: 'range', ...this.#rangeRequest() };
      const compare = this.#list(2, () => this.#compare().of);
      return {
        type: 'transaction',
        compare,
        success: this.#operations(depth + 1),
        failure: this.#operations(depth + 1),
      };
    });
  }

  #putRequest() {
    const key = utf8(this.#one(keys));
    const keepValue = this.#flip(8);
    const keepLease = this.#flip(8);
    const leaseId = this.#flip(4) && !keepLease ? this.#one(leaseIds) : undefined;
    const value = keepValue ? undefined : utf8(this.#one(values));
    return { key, value, leaseId, keepValue, keepLease, previous: this.#flip() };
  }

  #rangeRequest(): RangeRequest {
    const isFiltered = this.#flip(4);
    return {
      ...this.#keyRange(),
      limit: this.#random.integer(0, 4),
      ...(this.#flip()
        ? { sort: { by: this.#one(targets), order: this.#flip() ? ('ascending' as const) : ('descending' as const) } }
        : {}),
      keysOnly: this.#flip(4),
      countOnly: this.#flip(6),
      ...(isFiltered && this.#flip() ? { minModRevision: this.#offset() } : {}),
      ...(isFiltered && this.#flip() ? { maxModRevision: this.#offset() } : {}),
      ...(isFiltered && this.#flip() ? { minCreateRevision: this.#offset() } : {}),
      ...(isFiltered && this.#flip() ? { maxCreateRevision: this.#offset() } : {}),
    };
  }

  #compare(): { readonly of: Compare; at(base: bigint): Compare } {
    const condition = { ...this.#keyRange(), result: this.#one(results) };
    const offset = this.#offset();
    switch (this.#random.integer(0, 5)) {
      case 0:
        return fixed({ ...condition, target: 'version', version: BigInt(this.#random.integer(0, 3)) });
      case 1:
        return fixed({ ...condition, target: 'value', value: utf8(this.#one(values)) });
      case 2:
        return fixed({ ...condition, target: 'lease', leaseId: this.#flip() ? 0n : this.#one(leaseIds) });
      case 3: {
        const of = { ...condition, target: 'createRevision', createRevision: offset } as const;
        return { of, at: (base) => ({ ...of, createRevision: base + offset }) };
      }
      default: {
        const of = { ...condition, target: 'modRevision', modRevision: offset } as const;
        return { of, at: (base) => ({ ...of, modRevision: base + offset }) };
      }
    }
  }

  #keyRange(): KeyRange {
    if (this.#flip(6)) return { key: utf8(this.#one(keys)), end: new Uint8Array(0) };
    return this.#boundedRange();
  }

  /** Inside a transaction etcd overlooks that an unbounded delete meets a put; so no step has both. */
  #boundedRange(): KeyRange {
    const key = utf8(this.#one(keys));
    const draw = this.#random.integer(0, 4);
    if (draw < 2) return { key };
    return draw === 2 ? prefixRange(key) : { key, end: utf8(this.#one(keys)) };
  }

  #offset(): bigint {
    return BigInt(this.#random.integer(0, 24));
  }

  #list<Item>(most: number, draw: () => Item): Item[] {
    return Array.from({ length: this.#random.integer(0, most + 1) }, draw);
  }

  #one<Item>(items: readonly Item[]): Item {
    return items[this.#random.integer(0, items.length)] as Item;
  }

  #flip(oneIn = 2): boolean {
    return this.#random.integer(0, oneIn) === 0;
  }
}

/** What a call came to, in a form that two backends can be compared in: revisions relative to `base`, errors by their codes. */
export async function outcomeOf(step: RandomStep, backend: CoordinationBackend, base: bigint): Promise<unknown> {
  try {
    return relative(await step.run(backend, base), base);
  } catch (error) {
    if (!(error instanceof BackendError)) throw error;
    return { refused: error.code };
  }
}

/** Events in the same form. */
export function relativeEvents(events: readonly WatchEvent[], base: bigint): unknown {
  return relative(events, base);
}

function relative(value: unknown, base: bigint): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (Array.isArray(value)) return value.map((each: KeyValue | OperationResult) => relative(each, base));
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? Number(value) : value;
  // etcd leaves out the revision of a transaction inside another.
  const isInner = 'type' in value && value.type === 'transaction';
  const entries = Object.entries(value).filter(
    ([name, field]) => field !== undefined && !(isInner && name === 'revision'),
  );
  return Object.fromEntries(
    entries.map(([name, field]) => {
      const isRevision = typeof field === 'bigint' && /revision/i.test(name) && field !== 0n;
      return [name, isRevision ? Number((field as bigint) - base) : relative(field, base)];
    }),
  );
}

function stepOf(name: string, request: object, run: RandomStep['run']): RandomStep {
  const text = JSON.stringify(request, (_, value) =>
    value instanceof Uint8Array ? Buffer.from(value).toString() : typeof value === 'bigint' ? Number(value) : value,
  );
  return { text: `${name} ${text}`, run };
}

function fixed(of: Compare): { readonly of: Compare; at(base: bigint): Compare } {
  return { of, at: () => of };
}

/** A revision of 0 would be the latest. */
function clamp(revision: bigint): bigint {
  return revision < 1n ? 1n : revision;
}

function absolute(request: RangeRequest, base: bigint): RangeRequest {
  const moved = { ...request } as Record<string, unknown>;
  for (const name of ['minModRevision', 'maxModRevision', 'minCreateRevision', 'maxCreateRevision']) {
    if (typeof moved[name] === 'bigint') moved[name] = clamp(base + moved[name]);
  }
  return moved as unknown as RangeRequest;
}

function absoluteOperation(operation: Operation, base: bigint): Operation {
  if (operation.type === 'range') return { type: 'range', ...absolute(operation, base) };
  if (operation.type !== 'transaction') return operation;
  const { compare, success, failure } = operation;
  return {
    type: 'transaction',
    compare: compare.map((each) => {
      if (each.target === 'createRevision') return { ...each, createRevision: base + each.createRevision };
      return each.target === 'modRevision' ? { ...each, modRevision: base + each.modRevision } : each;
    }),
    success: success.map((each) => absoluteOperation(each, base)),
    failure: failure?.map((each) => absoluteOperation(each, base)),
  };
}
