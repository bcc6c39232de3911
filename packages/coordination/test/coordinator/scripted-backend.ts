import { BackendError, type BackendErrorCode, type CallOptions, type CoordinationBackend } from '../../src/index.ts';

/** A backend whose `put` and `range` follow a script of outcomes; nothing else can be called. */
export class ScriptedBackend {
  readonly calls: { readonly method: string; readonly options: CallOptions | undefined }[] = [];
  readonly #outcomes: (BackendErrorCode | 'ok')[];

  constructor(outcomes: readonly (BackendErrorCode | 'ok')[]) {
    this.#outcomes = [...outcomes];
  }

  get backend(): CoordinationBackend {
    const follow = (method: string) => async (_request: unknown, options?: CallOptions) => {
      this.calls.push({ method, options });
      const outcome = this.#outcomes.shift() ?? 'ok';
      if (outcome !== 'ok') throw new BackendError(outcome, `scripted ${outcome}`);
      return { revision: 1n, kvs: [], more: false, count: 0 };
    };
    return { name: 'scripted', put: follow('put'), range: follow('range') } as unknown as CoordinationBackend;
  }
}
