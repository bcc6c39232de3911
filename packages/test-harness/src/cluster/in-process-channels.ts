import type { AttemptOutcome, StoreChannels } from '@flotilla/client';
import type { MethodDefinition } from '@flotilla/protocol';
import type { Random, Timers } from '@flotilla/runtime';
import type { LocalStoreCalls } from '@flotilla/server/local-store';
import type { CallLedger } from './call-ledger.ts';
import type { LinkFaults } from './in-process-network.ts';

/** A store that clients reach: one run of it. */
export interface ReachableStore {
  readonly calls: LocalStoreCalls;
  readonly ledger: CallLedger;
}

/** How a client's requests travel. */
export interface InProcessChannelsOptions {
  /** The client's own. */
  readonly timers: Timers;
  /** Virtual time. */
  readonly nowMs: () => number;
  readonly random: Random;
  /** The faults of the links between clients and stores as they are now. */
  readonly faults: () => LinkFaults;
  /** The running store with an id. */
  readonly storeOf: (storeId: number) => ReachableStore | undefined;
  /** Runs `arrive` now, or once the store runs on. */
  readonly arrive: (storeId: number, arrive: () => void) => void;
}

/** Carries a client's requests to the stores of a test cluster, in virtual time; a store's end breaks what it had in hand. */
export class InProcessChannels implements StoreChannels {
  readonly #options: InProcessChannelsOptions;

  constructor(options: InProcessChannelsOptions) {
    this.#options = options;
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
    const { faults, random, timers } = this.#options;
    const { drop, minDelayMs, maxDelayMs } = faults();
    const delayMs = maxDelayMs > minDelayMs ? minDelayMs + random.fraction() * (maxDelayMs - minDelayMs) : minDelayMs;
    const isLost = drop > 0 && random.fraction() < drop;
    const broken = (): void => end({ type: 'broken', cause: new Error('the connection was lost') });
    timers.after(delayMs, isLost ? broken : arrive);
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
