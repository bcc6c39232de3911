import { assert } from '@flotilla/runtime';
import type { Operation } from '../history/operation.ts';
import { type Configuration, Frontier } from './frontier.ts';
import { type PendingCall, PendingCalls } from './pending-calls.ts';
import { type RegisterCall, registerEvents } from './register-call.ts';
import { applyMove, isObservation, ValueNumbers } from './register-move.ts';
import type { Violation } from './verdict.ts';

/*
 * Just-in-time linearization. The search walks through the events in real-time order and keeps every configuration in
 * which the history so far can have happened: the register's state, and which of the calls under way have taken effect.
 * Only when a call returns does a configuration in which it has not yet taken effect have to move: it lets other calls
 * under way take effect, in every order, until this one has. A configuration that cannot is dropped; when none is left,
 * no order explains the history, and the events up to here are the shortest prefix that shows it.
 *
 * A call of unknown outcome never returns, so it never has to take effect, and may do so at any later time. A read takes
 * effect as soon as the state fits: it changes nothing, so waiting gains nothing, and only writes make the search branch.
 *
 * Source: Wing & Gong 1993; Lowe, Testing for linearizability, 2017 (just-in-time linearization, memoised states).
 */

/** What became of one key's search. */
export type SearchResult =
  | { readonly outcome: 'valid' | 'undecided'; readonly steps: number }
  | { readonly outcome: 'violated'; readonly steps: number; readonly violation: Violation };

const shownConfigurations = 4;
const shownHistory = 3;
const shownStates = 8;

/** Searches for an order of the operations of one key, which starts absent, in at most `maxSteps` configurations. */
export function searchRegister(operations: readonly Operation[], maxSteps: number): SearchResult {
  return new RegisterSearch(maxSteps).run(operations);
}

class RegisterSearch {
  readonly #maxSteps: number;
  readonly #values = new ValueNumbers();
  readonly #pending = new PendingCalls();
  #steps = 0;
  #configurations: Configuration[] = [{ state: 0, known: 0n, unknown: 0n, last: undefined, before: undefined }];

  constructor(maxSteps: number) {
    this.#maxSteps = maxSteps;
  }

  run(operations: readonly Operation[]): SearchResult {
    for (const { type, call } of registerEvents(operations, this.#values)) {
      if (type === 'invoke') {
        this.#invoke(call);
        continue;
      }
      const next = this.#return(call);
      if (next === undefined) return { outcome: 'undecided', steps: this.#steps };
      if (next.length === 0) {
        return { outcome: 'violated', steps: this.#steps, violation: this.#violation(call, operations) };
      }
      this.#configurations = next;
    }
    return { outcome: 'valid', steps: this.#steps };
  }

  #invoke(call: RegisterCall): void {
    const pending = this.#pending.add(call);
    if (!isObservation(call.move)) return;
    this.#steps += this.#configurations.length;
    this.#configurations = this.#configurations.map((configuration) => observe(configuration, pending));
  }

  /** The configurations in which `call` has taken effect; undefined when the budget is used up. */
  #return(call: RegisterCall): Configuration[] | undefined {
    const returning = this.#pending.get(call);
    assert(returning !== undefined, 'a call returns once, after it began');
    const done = new Frontier();
    const seen = new Frontier();
    const open = [...this.#configurations];
    for (let configuration = open.pop(); configuration !== undefined; configuration = open.pop()) {
      this.#steps += 1;
      if (this.#steps + seen.comparisons + done.comparisons > this.#maxSteps) return undefined;
      if ((configuration.known & returning.bit) !== 0n) {
        done.add({ ...configuration, known: configuration.known & ~returning.bit });
        continue;
      }
      for (const pending of this.#pending.candidates(configuration.known, configuration.unknown)) {
        this.#steps += 1;
        const next = this.#advance(configuration, pending);
        if (next !== undefined && seen.add(next)) open.push(next);
      }
    }
    this.#steps += seen.comparisons + done.comparisons;
    const next = done.list();
    if (next.length > 0) this.#pending.remove(returning);
    return next;
  }

  /** `configuration` after a pending call has taken effect that changes something; undefined when it cannot. */
  #advance(configuration: Configuration, { call, bit, isUnknown }: PendingCall): Configuration | undefined {
    const state = applyMove(configuration.state, call.move);
    if (state === undefined || (isUnknown && state === configuration.state)) return undefined;
    let next: Configuration = {
      state,
      known: isUnknown ? configuration.known : configuration.known | bit,
      unknown: isUnknown ? configuration.unknown | bit : configuration.unknown,
      last: call,
      before: configuration,
    };
    for (const other of this.#pending.known()) {
      if (isObservation(other.call.move)) next = observe(next, other);
    }
    return next;
  }

  #violation(call: RegisterCall, operations: readonly Operation[]): Violation {
    const reached = this.#configurations;
    const states = [...new Set(reached.map(({ state }) => this.#values.textOf(state)))];
    const shown = states.slice(0, shownStates).join(', ') + (states.length > shownStates ? ', …' : '');
    const { op, key } = call.operation;
    const witness = new Set<Operation>([call.operation]);
    for (const { call: pending } of this.#pending.known()) witness.add(pending.operation);
    for (const configuration of reached.slice(0, shownConfigurations)) {
      for (const operation of lastOperations(configuration)) witness.add(operation);
    }
    const origin = originOf(call.operation, operations);
    if (origin !== undefined) witness.add(origin);
    return {
      message:
        `key ${JSON.stringify(key)}: no order explains the ${op} that returned at ${call.operation.returnOrder}; ` +
        `before it the key could hold ${shown}`,
      witness: [...witness].sort((a, b) => a.invokeOrder - b.invokeOrder),
    };
  }
}

/** Lets a pending observation take effect where the state fits it. */
function observe(configuration: Configuration, { call, bit }: PendingCall): Configuration {
  if ((configuration.known & bit) !== 0n || applyMove(configuration.state, call.move) === undefined) {
    return configuration;
  }
  return { ...configuration, known: configuration.known | bit, last: call, before: configuration };
}

function lastOperations(configuration: Configuration): Operation[] {
  const operations: Operation[] = [];
  let at: Configuration | undefined = configuration;
  while (at?.last !== undefined && operations.length < shownHistory) {
    operations.push(at.last.operation);
    at = at.before;
  }
  return operations;
}

/** The last operation before the end of a read that would have written what it read, whatever became of it. */
function originOf(read: Operation, operations: readonly Operation[]): Operation | undefined {
  if (read.op !== 'get') return undefined;
  const value = JSON.stringify(read.output);
  return operations.findLast(({ op, input, invokeOrder }) => {
    if (invokeOrder > read.returnOrder) return false;
    if (op === 'delete') return value === 'null';
    const written = op === 'cas' && Array.isArray(input) ? input[1] : input;
    return op !== 'get' && JSON.stringify(written ?? null) === value;
  });
}
