import type { LocalStream, StoreStream, StreamEvent } from '@flotilla/client';
import type { MethodDefinition } from '@flotilla/protocol';

import type { ClientLink } from './client-link.ts';
import type { ReachableStore } from './in-process-channels.ts';

/** Messages that may be on their way to a reader who does not take them: then the store is not asked for more. */
const windowSize = 8;

/** How a stream travels. */
export interface InProcessStreamOptions<Request, Response> {
  readonly storeId: number;
  readonly method: MethodDefinition<Request, Response>;
  readonly request: Request;
  readonly link: ClientLink;
  readonly nowMs: () => number;
  readonly storeOf: (storeId: number) => ReachableStore | undefined;
  readonly arrive: (storeId: number, arrive: () => void) => void;
}

type End = Exclude<StreamEvent<never>, { type: 'message' }>;

/**
 * A stream from a store of a test cluster, in virtual time: messages come in their order, and one that is lost breaks it, as
 * does the end of the store.
 */
export class InProcessStream<Request, Response> implements StoreStream<Response> {
  readonly #options: InProcessStreamOptions<Request, Response>;
  readonly #messages: Response[] = [];
  #onTheirWay = 0;
  #lastArrivalMs = 0;
  #source: LocalStream | undefined;
  #end: End | undefined;
  #answered: () => void = () => {};
  #waiting: (() => void) | undefined;
  #room: (() => void) | undefined;

  constructor(options: InProcessStreamOptions<Request, Response>) {
    this.#options = options;
    const { arrive, link, storeId, storeOf } = options;
    const lost = (): void => this.#finish(broken('the connection was lost'));
    link.carry(() => {
      if (storeOf(storeId) === undefined) this.#finish(broken(`store ${storeId} is not there`));
      else arrive(storeId, () => this.#begin());
    }, lost);
  }

  async next(): Promise<StreamEvent<Response>> {
    while (true) {
      const message = this.#messages.shift();
      this.#room?.();
      if (message !== undefined) return { type: 'message', message };
      if (this.#end !== undefined) return this.#end;
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }

  close(): void {
    this.#messages.length = 0;
    if (this.#end !== undefined) return;
    const { link } = this.#options;
    this.#finish(broken('the stream was closed'), false);
    const leave = (): void => this.#leave();
    link.carry(leave, leave);
  }

  #begin(): void {
    if (this.#end !== undefined) return;
    const { method, nowMs, request, storeId, storeOf } = this.#options;
    const store = storeOf(storeId);
    if (store === undefined) {
      this.#finish(broken(`store ${storeId} has ended`));
      return;
    }
    const isLost = (): void => this.#finish(broken(`store ${storeId} has ended`));
    this.#answered = store.ledger.begin(`${method.path} since ${Math.round(nowMs())} ms`, isLost);
    try {
      const source = store.calls.stream(method.path, method.requestDeserialize(method.requestSerialize(request)));
      if (source === undefined) throw new Error(`${method.path} is not offered in process`);
      this.#source = source;
      void this.#forward(source);
    } catch (cause) {
      const isInvalid = (cause as { readonly code?: unknown }).code === 'invalidArgument';
      this.#send(() => this.#finish({ type: 'refused', isInvalid, cause: cause as Error }));
    }
  }

  async #forward(source: LocalStream): Promise<void> {
    const { method } = this.#options;
    while (this.#end === undefined) {
      if (this.#onTheirWay + this.#messages.length >= windowSize) {
        await new Promise<void>((resolve) => {
          this.#room = resolve;
        });
        continue;
      }
      const answer = await source.next();
      if (this.#end !== undefined) return;
      if (answer === undefined) {
        this.#send(() => this.#finish(source.isCutOff ? broken('the store has ended the stream') : { type: 'ended' }));
        return;
      }
      // In its encoded form, so that what a codec would lose is lost here too.
      const message = method.responseDeserialize(method.responseSerialize(answer as Response));
      this.#onTheirWay += 1;
      this.#send(() => {
        this.#onTheirWay -= 1;
        if (this.#end !== undefined) return;
        this.#messages.push(message);
        this.#wake();
      });
    }
  }

  #send(arrive: () => void): void {
    const lost = (): void => this.#finish(broken('the connection was lost'));
    this.#lastArrivalMs = this.#options.link.carry(arrive, lost, this.#lastArrivalMs);
  }

  #finish(end: End, isGone = true): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    if (isGone) this.#leave();
    this.#room?.();
    this.#wake();
  }

  /** The store's side of it goes. */
  #leave(): void {
    this.#answered();
    this.#source?.close();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }
}

function broken(reason: string): End {
  return { type: 'broken', cause: new Error(reason) };
}
