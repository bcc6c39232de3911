import { asBuffer, flotillapb, type MethodDefinition, tinykvpb } from '@flotilla/protocol';
import type { TimerHandle, Timers } from '@flotilla/runtime';
import { type Client, type ClientDuplexStream, type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { failedOutcome } from './call-failure.ts';
import type { AttemptOutcome } from './store-channels.ts';

type Call = ClientDuplexStream<flotillapb.CommandBatch, flotillapb.CommandAnswerBatch>;
type Outcome = AttemptOutcome<unknown> | 'unsupported';

/** When an attempt is given up. */
interface AttemptLimits {
  readonly signal: AbortSignal;
  readonly timeoutMs: number | undefined;
}

interface Pending {
  readonly command: flotillapb.Command;
  readonly decode: (bytes: Buffer) => unknown;
  readonly settle: (outcome: Outcome) => void;
  /** The stream that it was sent on. */
  call: Call | undefined;
}

const { CommandMethod } = flotillapb;
/** The methods that may travel on the stream, by path. */
const methodOfPath: ReadonlyMap<string, flotillapb.CommandMethod> = new Map([
  [tinykvpb.TinyKv.rawGet.path, CommandMethod.RawGet],
  [tinykvpb.TinyKv.rawPut.path, CommandMethod.RawPut],
  [tinykvpb.TinyKv.rawDelete.path, CommandMethod.RawDelete],
  [flotillapb.RawBatch.rawBatchWrite.path, CommandMethod.RawBatchWrite],
  [flotillapb.Machines.call.path, CommandMethod.MachineCall],
]);

/** Commands of one turn of the event loop leave as messages of about this size. */
const batchBytes = 1024 * 1024;

/**
 * Requests to one store over one stream: those of one turn of the event loop leave in one message, which costs a small part of
 * what a call each would. The stream is opened when it is first needed, and again after a failure. With a server that does
 * not offer it, nothing is sent on it again.
 */
export class CommandStream {
  readonly #client: Client;
  readonly #metadata: Metadata;
  readonly #timers: Timers;
  /** In the order of sending. */
  readonly #pending = new Map<number, Pending>();
  #queue: Pending[] = [];
  #call: Call | undefined;
  #lastId = 0;
  #isFlushDue = false;
  #isBlocked = false;
  #isUnsupported = false;
  #isClosed = false;

  constructor(client: Client, metadata: Metadata, timers: Timers) {
    this.#client = client;
    this.#metadata = metadata;
    this.#timers = timers;
  }

  /**
   * Sends a request once. Never rejects; `unsupported` when the server turns out not to have the stream, and has not begun with the
   * request. Returns nothing for what cannot go this way.
   */
  send<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    { signal, timeoutMs }: AttemptLimits,
  ): Promise<AttemptOutcome<Response> | 'unsupported'> | undefined {
    const name = methodOfPath.get(method.path);
    if (this.#isUnsupported || this.#isClosed || name === undefined) return undefined;
    if (signal.aborted) return Promise.resolve({ type: 'notSent', cause: signal.reason });
    this.#lastId += 1;
    const command = { id: this.#lastId, method: name, request: method.requestSerialize(request) };
    return new Promise((resolve) => {
      let timer: TimerHandle | undefined;
      const settle = (outcome: Outcome): void => {
        timer?.cancel();
        signal.removeEventListener('abort', giveUp);
        resolve(outcome as AttemptOutcome<Response> | 'unsupported');
      };
      const pending: Pending = { command, decode: method.responseDeserialize, settle, call: undefined };
      const giveUp = (): void => this.#giveUp(pending, signal.reason);
      signal.addEventListener('abort', giveUp, { once: true });
      if (timeoutMs !== undefined) timer = this.#timers.after(timeoutMs, giveUp);
      this.#pending.set(command.id, pending);
      this.#queue.push(pending);
      this.#scheduleFlush();
    });
  }

  /** Takes nothing more; what is under way is still answered. */
  end(): void {
    this.#isClosed = true;
    this.#flush();
    this.#call?.end();
  }

  /** Ends the stream at once. */
  close(): void {
    this.#isClosed = true;
    const calls = new Set([this.#call, ...[...this.#pending.values()].map(({ call }) => call)]);
    for (const call of calls) this.#fail(call, undefined);
    for (const call of calls) call?.cancel();
  }

  #scheduleFlush(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    this.#timers.defer(() => {
      this.#isFlushDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#queue.length === 0 || this.#isBlocked) return;
    const call = this.#call ?? this.#open();
    let commands: flotillapb.Command[] = [];
    let bytes = 0;
    let taken = 0;
    for (const pending of this.#queue) {
      taken += 1;
      // Given up meanwhile.
      if (!this.#pending.has(pending.command.id)) continue;
      pending.call = call;
      commands.push(pending.command);
      bytes += pending.command.request.length;
      if (bytes < batchBytes) continue;
      this.#isBlocked = !call.write({ commands });
      commands = [];
      bytes = 0;
      if (this.#isBlocked) break;
    }
    this.#queue = this.#queue.slice(taken);
    if (commands.length > 0) this.#isBlocked = !call.write({ commands });
  }

  #open(): Call {
    const { path, requestSerialize, responseDeserialize } = flotillapb.Commands.run;
    const call: Call = this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, this.#metadata);
    this.#call = call;
    call.on('data', ({ answers, isDraining }: flotillapb.CommandAnswerBatch) => {
      for (const answer of answers) this.#settle(answer);
      if (isDraining) this.#leave(call);
    });
    call.on('drain', () => {
      if (this.#call !== call) return;
      this.#isBlocked = false;
      this.#flush();
    });
    call.on('error', (error: ServiceError) => this.#fail(call, error));
    call.on('end', () => this.#fail(call, undefined));
    return call;
  }

  /** Sends nothing more on that stream; what was sent is still answered there. */
  #leave(call: Call): void {
    call.end();
    if (this.#call !== call) return;
    this.#call = undefined;
    this.#isBlocked = false;
    this.#scheduleFlush();
  }

  #settle({ id, code, details, response }: flotillapb.CommandAnswer): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    pending.settle(code === status.OK ? decoded(pending, response) : refusal(code, details));
  }

  #giveUp(pending: Pending, reason: unknown): void {
    if (!this.#pending.delete(pending.command.id)) return;
    const cause = reason ?? new Error('the store did not answer in time');
    pending.settle({ type: pending.call === undefined ? 'notSent' : 'broken', cause });
  }

  /** A stream is over: with `error`, or by the server, which then has answered all that it took. */
  #fail(over: Call | undefined, error: ServiceError | undefined): void {
    const isPresent = this.#call === over;
    if (error?.code === status.UNIMPLEMENTED) this.#isUnsupported = true;
    if (isPresent) {
      this.#call = undefined;
      this.#isBlocked = false;
      this.#queue = [];
    }
    const cause = error ?? new Error('the stream has ended');
    for (const { command, call, settle } of [...this.#pending.values()]) {
      // What has not been sent waited for the present stream.
      if (call === undefined ? !isPresent : call !== over) continue;
      this.#pending.delete(command.id);
      if (this.#isUnsupported) settle('unsupported');
      else if (call === undefined) settle({ type: 'notSent', cause });
      else settle(error === undefined ? { type: 'broken', cause } : failedOutcome(error));
    }
  }
}

function decoded({ decode }: Pending, response: Uint8Array): Outcome {
  try {
    return { type: 'answered', response: decode(asBuffer(response)) };
  } catch (cause) {
    return { type: 'broken', cause };
  }
}

/** A store that is shutting down says that it has not begun with a command. */
function refusal(code: status, details: string): Outcome {
  const cause = Object.assign(new Error(details), { code, details });
  return code === status.UNAVAILABLE ? { type: 'notSent', cause } : failedOutcome(cause);
}
