import { coordinationpb, etcdserverpb } from '@flotilla/protocol';
import type { Runtime } from '@flotilla/runtime';
import { BackendError, type BackendErrorCode } from '../backend/backend-error.ts';
import type { CallOptions } from '../backend/coordination-backend.ts';
import { readAnswer } from './machine-answer.ts';
import type { MachineCallKind, MachineChannel } from './machine-channel.ts';

type Command = coordinationpb.Command;
type Query = coordinationpb.Query;
type Answer = coordinationpb.Answer;

/** Between two attempts of a read that a replica could not answer yet. */
const retryMs = 50;

/** Sends calls over a channel, again when a replica says that it cannot answer yet. */
export class MachineCaller {
  readonly #channel: MachineChannel;
  readonly #runtime: Runtime;
  readonly #timeoutMs: number;
  /** Of what is under way. */
  readonly #calls = new Set<AbortController>();
  #isClosed = false;

  constructor(channel: MachineChannel, runtime: Runtime, timeoutMs: number) {
    this.#channel = channel;
    this.#runtime = runtime;
    this.#timeoutMs = timeoutMs;
  }

  /** Sends a command and returns the part of the answer that has the command's name. Rejects with a `BackendError`. */
  async command<Name extends keyof Command & keyof Answer>(
    name: Name,
    request: NonNullable<Command[Name]>,
    options: CallOptions,
  ): Promise<NonNullable<Answer[Name]>> {
    const payload = encode(() => coordinationpb.Command.encode(coordinationpb.Command.create({ [name]: request })));
    return partOf(await this.#call(payload, 'write', options), name);
  }

  /** Sends a query and returns the part of the answer that has the query's name. Rejects with a `BackendError`. */
  async query<Name extends keyof Query & keyof Answer>(
    name: Name,
    request: NonNullable<Query[Name]>,
    options: CallOptions,
    kind: MachineCallKind = 'read',
  ): Promise<NonNullable<Answer[Name]>> {
    return partOf(await this.ask(coordinationpb.Query.create({ [name]: request }), options, kind), name);
  }

  /** Sends a query and returns the answer, which is no refusal. Rejects with a `BackendError`. */
  ask(query: Query, options: CallOptions, kind: MachineCallKind = 'read'): Promise<Answer> {
    return this.#call(
      encode(() => coordinationpb.Query.encode(query)),
      kind,
      options,
    );
  }

  /** The store's revision as of now or later. Rejects with a `BackendError`. */
  async revision(options: CallOptions): Promise<bigint> {
    const request = etcdserverpb.RangeRequest.create({ key: Uint8Array.of(0), countOnly: true });
    const { header } = await this.query('range', request, options);
    return header?.revision ?? 0n;
  }

  /** What is under way, and what comes, rejects: with `closed`, or `outcomeUnknown` for a write that was sent. */
  close(): void {
    this.#isClosed = true;
    for (const call of this.#calls) call.abort(closed());
  }

  async #call(payload: Uint8Array, kind: MachineCallKind, options: CallOptions): Promise<Answer> {
    const { signal } = options;
    if (this.#isClosed) throw closed();
    if (signal?.aborted === true) throw cancelled(signal.reason);
    const call = new AbortController();
    const onAbort = (): void => call.abort(cancelled(signal?.reason));
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#calls.add(call);
    try {
      return await this.#attempt(payload, kind, options.timeoutMs ?? this.#timeoutMs, call.signal);
    } finally {
      this.#calls.delete(call);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** `signal` aborts with the error to end with. */
  async #attempt(payload: Uint8Array, kind: MachineCallKind, wholeMs: number, signal: AbortSignal): Promise<Answer> {
    const { clock, timers } = this.#runtime;
    const deadlineMs = clock.monotonicMs() + wholeMs;
    for (;;) {
      const timeoutMs = Math.max(1, deadlineMs - clock.monotonicMs());
      try {
        return readAnswer(await this.#channel.call(payload, { kind, signal, timeoutMs }));
      } catch (error) {
        if (signal.aborted && isCode(error, 'cancelled')) throw signal.reason;
        if (kind === 'write' || !isCode(error, 'unavailable')) throw error;
        if (clock.monotonicMs() + retryMs >= deadlineMs) throw error;
      }
      await timers.sleep(retryMs, signal);
    }
  }
}

function closed(): BackendError {
  return new BackendError('closed', 'the backend is closed');
}

function cancelled(cause: unknown): BackendError {
  return new BackendError('cancelled', 'the call was given up', { cause });
}

function isCode(error: unknown, code: BackendErrorCode): boolean {
  return error instanceof BackendError && error.code === code;
}

/** @throws {BackendError} `invalidArgument` when the codec cannot write the request: a number is out of range. */
function encode(write: () => Uint8Array): Uint8Array {
  try {
    return write();
  } catch (cause) {
    throw new BackendError('invalidArgument', 'the request has a number that is out of range', { cause });
  }
}

function partOf<Name extends keyof Answer>(answer: Answer, name: Name): NonNullable<Answer[Name]> {
  const part = answer[name];
  if (part === undefined) throw new BackendError('unavailable', 'the answer is not one to this request');
  return part as NonNullable<Answer[Name]>;
}
