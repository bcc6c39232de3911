import type { ScopeOptions } from '../call-scope.ts';
import { CallScope } from '../call-scope.ts';
import { ConflictError, withCoordinationErrors } from '../coordination-error.ts';
import { callPersistently } from '../persistent-call.ts';
import { awaitChange } from './await-change.ts';
import { type LineOptions, lineName } from './line-options.ts';

/**
 * A barrier: while it is up, whoever comes waits. It stays up when the process that raised it ends.
 *
 * Source: etcd `client/v3/experimental/recipes`, barrier.go.
 */
export class Barrier {
  readonly #options: LineOptions;
  readonly #key: Uint8Array;
  readonly #what: string;

  constructor(barrier: string, options: LineOptions) {
    this.#options = options;
    this.#key = Buffer.from(lineName(options.keyPrefix ?? '/barriers', barrier));
    this.#what = `the barrier ${JSON.stringify(barrier)}`;
  }

  /** Raises it. @throws {ConflictError} when it is up. */
  async hold(options: ScopeOptions = {}): Promise<void> {
    const key = this.#key;
    const request = {
      compare: [{ key, target: 'createRevision', createRevision: 0n, result: '=' }],
      success: [{ type: 'put', key, value: new Uint8Array(0) }],
    } as const;
    const { backend } = this.#options;
    const { succeeded } = await withCoordinationErrors(`raising ${this.#what}`, () =>
      backend.transact(request, options),
    );
    if (!succeeded) throw new ConflictError(`${this.#what} is up already`);
  }

  /** Takes it down, and lets go all who wait; idempotent. */
  async release(options: ScopeOptions = {}): Promise<void> {
    const { backend, runtime } = this.#options;
    using scope = new CallScope(runtime.timers, `taking down ${this.#what}`, options);
    await callPersistently(runtime, scope.signal, `taking down ${this.#what}`, (call) =>
      backend.delete({ key: this.#key }, call),
    );
  }

  /** Waits until it is down; not at all when it is. */
  async wait(options: ScopeOptions = {}): Promise<void> {
    const { backend, runtime } = this.#options;
    const action = `waiting at ${this.#what}`;
    using scope = new CallScope(runtime.timers, action, options);
    const { signal } = scope;
    for (;;) {
      const { count, revision } = await callPersistently(runtime, signal, action, (call) =>
        backend.range({ key: this.#key, countOnly: true }, call),
      );
      if (count === 0) return;
      const change = { range: { key: this.#key }, type: 'delete', fromRevision: revision + 1n } as const;
      // Down is down, if only for a moment; who comes next meets it as it is then.
      if ((await awaitChange(backend, change, signal, action)) === 'changed') return;
    }
  }
}
