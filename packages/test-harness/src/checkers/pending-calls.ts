import type { RegisterCall } from './register-call.ts';
import { isObservation, type RegisterMove } from './register-move.ts';

/** A call that has begun and may still take effect. */
export interface PendingCall {
  readonly call: RegisterCall;
  /** The bit of this call in the set of its kind. */
  readonly bit: bigint;
  readonly isUnknown: boolean;
}

/**
 * The calls under way. Those of unknown outcome stay for ever, so they are found by the value they leave behind: such a
 * call is worth trying only where that value is looked at before it is replaced, because an order in which nobody looks
 * stays an order without it.
 */
export class PendingCalls {
  readonly #known = new Map<RegisterCall, PendingCall>();
  readonly #unknown = new Map<number, PendingCall[]>();
  readonly #expectedByUnknown = new Set<number>();
  readonly #freeBits: bigint[] = [];
  #knownBits = 0n;
  #unknownBits = 0n;

  /** Takes in a call that begins. */
  add(call: RegisterCall): PendingCall {
    if (call.operation.outcome !== 'info') {
      const pending = { call, bit: this.#freeBits.pop() ?? 1n << this.#knownBits++, isUnknown: false };
      this.#known.set(call, pending);
      return pending;
    }
    const pending = { call, bit: 1n << this.#unknownBits++, isUnknown: true };
    const { move } = call;
    if (move.type === 'swap') this.#expectedByUnknown.add(move.expected);
    if (move.type === 'write' || move.type === 'swap') {
      const alike = this.#unknown.get(move.value);
      if (alike === undefined) this.#unknown.set(move.value, [pending]);
      else alike.push(pending);
    }
    return pending;
  }

  /** The calls under way whose outcome is known, in the order of invocation. */
  known(): Iterable<PendingCall> {
    return this.#known.values();
  }

  /** The call under way that `call` began as. */
  get(call: RegisterCall): PendingCall | undefined {
    return this.#known.get(call);
  }

  /** Lets go of a call that has returned and taken effect in every configuration. */
  remove({ call, bit }: PendingCall): void {
    this.#known.delete(call);
    this.#freeBits.push(bit);
  }

  /**
   * The calls that may have to take effect next in a configuration that has used up the sets `known` and `unknown`, in
   * which every observation that fits the state has been made.
   */
  candidates(known: bigint, unknown: bigint): PendingCall[] {
    const wanted = new Set(this.#expectedByUnknown);
    const candidates: PendingCall[] = [];
    let isAnyWanted = false;
    for (const pending of this.#known.values()) {
      if ((pending.bit & known) !== 0n) continue;
      const { move } = pending.call;
      if (!isObservation(move)) candidates.push(pending);
      if (move.type === 'read') wanted.add(move.value);
      else if (move.type === 'swap') wanted.add(move.expected);
      else if (move.type === 'refusal') isAnyWanted = true;
    }
    for (const value of isAnyWanted ? this.#unknown.keys() : wanted) {
      const alike = this.#unknown.get(value);
      if (alike !== undefined) candidates.push(...distinctUnused(alike, unknown));
    }
    return candidates;
  }
}

/** Of alike calls of unknown outcome, those of `list` that do different things and are not in the set `used`. */
function distinctUnused(list: readonly PendingCall[], used: bigint): PendingCall[] {
  const tried = new Set<number>();
  return list.filter(({ call, bit }) => {
    if ((bit & used) !== 0n) return false;
    const kind = kindOf(call.move);
    if (tried.has(kind)) return false;
    tried.add(kind);
    return true;
  });
}

function kindOf(move: RegisterMove): number {
  return move.type === 'swap' ? move.expected : -1;
}
