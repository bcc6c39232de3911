import { never } from './node-run.ts';

/** What becomes of one attempt at a task: after so many calls of what it works with, its handler dies, or answers no more. */
export interface TaskFate {
  readonly type: 'dies' | 'hangs';
  readonly afterCalls: number;
}

/** A life of a task handler whose end in the middle of a task is decided by the simulation. */
export class TaskLife {
  readonly #fateOf: () => TaskFate | undefined;
  #isOver = false;
  #fate: TaskFate | undefined;
  #calls = 0;
  #die: ((cause: unknown) => void) | undefined;

  /** `fateOf` is asked for each attempt. */
  constructor(fateOf: () => TaskFate | undefined) {
    this.#fateOf = fateOf;
  }

  begin(die: (cause: unknown) => void): void {
    this.#fate = this.#fateOf();
    this.#calls = 0;
    this.#die = die;
  }

  end(): void {
    this.#isOver = true;
  }

  guard<Resource extends object>(resource: Resource): Resource {
    return new Proxy(resource, {
      get: (target, name) => {
        // The resource itself is the receiver: it keeps what it has in private fields.
        const found: unknown = Reflect.get(target, name, target);
        if (typeof found !== 'function') return found;
        return (...values: unknown[]) => (this.#isOver ? never : this.#guardResult(found.apply(target, values)));
      },
    });
  }

  #guardResult(result: unknown): unknown {
    if (result instanceof Promise) return this.#guardPromise(result);
    if (isIterable(result)) return this.#guardItems(result);
    return isResource(result) ? this.guard(result) : result;
  }

  async #guardPromise(promise: Promise<unknown>): Promise<unknown> {
    const result = await promise;
    if (this.#strikes()) await never;
    return isResource(result) ? this.guard(result) : result;
  }

  async *#guardItems(items: AsyncIterable<unknown>): AsyncIterable<unknown> {
    for await (const item of items) {
      if (this.#strikes()) await never;
      yield item;
    }
  }

  /** Counts an answer, and says whether the handler does not get it any more. */
  #strikes(): boolean {
    const fate = this.#fate;
    this.#calls += 1;
    if (this.#isOver || fate === undefined || this.#calls < fate.afterCalls) return this.#isOver;
    this.#isOver = true;
    if (fate.type === 'dies') this.#die?.(new Error('the simulation ended the worker'));
    return true;
  }
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

/** Snapshots and file writers, whose methods have to be guarded too; batches, which engines know by their class, have neither. */
function isResource(value: unknown): value is object {
  return typeof value === 'object' && value !== null && ('close' in value || 'commit' in value);
}
