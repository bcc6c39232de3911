import type { AttemptOutcome, StoreChannels, StoreStream } from '@flotilla/client';
import type { MethodDefinition } from '@flotilla/protocol';
import type { LocalStoreCalls } from '@flotilla/server/local-store';
import type { CallLedger } from './call-ledger.ts';
import { ClientLink, type ClientLinkOptions } from './client-link.ts';
import { InProcessStream } from './in-process-stream.ts';

/** A store that clients reach: one run of it. */
export interface ReachableStore {
  readonly calls: LocalStoreCalls;
  readonly ledger: CallLedger;
}

/** How a client's requests travel. */
export interface InProcessChannelsOptions extends ClientLinkOptions {
  /** The running store with an id. */
  readonly storeOf: (storeId: number) => ReachableStore | undefined;
  /** Runs `arrive` now, or once the store runs on. */
  readonly arrive: (storeId: number, arrive: () => void) => void;
}

/** Carries a client's requests to the stores of a test cluster, in virtual time; a store's end breaks what it had in hand. */
export class InProcessChannels implements StoreChannels {
  readonly #options: InProcessChannelsOptions;
  readonly #link: ClientLink;

  constructor(options: InProcessChannelsOptions) {
    this.#options = options;
    this.#link = new ClientLink(options);
  }

  attempt<Request, Response>(
    storeId: number,
    method: MethodDefinition<Request, Response>,
    request: Request,
    signal: AbortSignal,
    timeoutMs?: number,
  ): Promise<AttemptOutcome<Response>> {
    const { timers } = this.#options;
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve({ type: 'notSent', cause: signal.reason });
        return;
      }
      const end = (outcome: AttemptOutcome<Response>): void => {
        timer?.cancel();
        signal.removeEventListener('abort', giveUp);
        resolve(outcome);
      };
      const giveUp = (): void => end({ type: 'broken', cause: new Error('the caller gave up') });
      const timer = timeoutMs === undefined ? undefined : timers.after(timeoutMs, giveUp);
      signal.addEventListener('abort', giveUp, { once: true });
      this.#carry(() => this.#run(storeId, method, request, end), end);
    });
  }

  stream<Request, Response>(
    storeId: number,
    method: MethodDefinition<Request, Response>,
    request: Request,
  ): StoreStream<Response> {
    const { arrive, nowMs, storeOf } = this.#options;
    return new InProcessStream({ storeId, method, request, link: this.#link, nowMs, storeOf, arrive });
  }

  doubt(): void {}

  close(): void {}

  /** Hands in a request that has arrived. */
  #run<Request, Response>(
    storeId: number,
    method: MethodDefinition<Request, Response>,
    request: Request,
    end: (outcome: AttemptOutcome<Response>) => void,
  ): void {
    const { arrive, nowMs, storeOf } = this.#options;
    if (storeOf(storeId) === undefined) {
      end({ type: 'notSent', cause: new Error(`store ${storeId} is not there`) });
      return;
    }
    arrive(storeId, () => {
      const store = storeOf(storeId);
      const isLost = (): void => end({ type: 'broken', cause: new Error(`store ${storeId} has ended`) });
      if (store === undefined) {
        isLost();
        return;
      }
      const answered = store.ledger.begin(`${method.path} since ${Math.round(nowMs())} ms`, isLost);
      const answer = (outcome: AttemptOutcome<Response>): void => {
        answered();
        this.#carry(() => end(outcome), end);
      };
      callStore(store.calls, method, request).then(
        (response) => answer({ type: 'answered', response }),
        (cause: Error & { readonly code?: unknown }) => {
          const isInvalid = cause.code === 'invalidArgument';
          answer(isInvalid ? { type: 'refused', isInvalid, cause } : { type: 'broken', cause });
        },
      );
    });
  }

  /** One way over the link; a message that is lost breaks the call. */
  #carry(arrive: () => void, end: (outcome: AttemptOutcome<never>) => void): void {
    this.#link.carry(arrive, () => end({ type: 'broken', cause: new Error('the connection was lost') }));
  }
}

/** Both messages cross in their encoded form, so that what a codec would lose is lost here too. */
async function callStore<Request, Response>(
  calls: LocalStoreCalls,
  method: MethodDefinition<Request, Response>,
  request: Request,
): Promise<Response> {
  const answer = calls.call(method.path, method.requestDeserialize(method.requestSerialize(request)));
  if (answer === undefined) throw new Error(`${method.path} is not offered in process`);
  return method.responseDeserialize(method.responseSerialize((await answer) as Response));
}
