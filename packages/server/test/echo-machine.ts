import type { MachineSubscription, RegionMachine, RegionMachineKind } from '@flotilla/raftstore';

/** What an echo machine was asked for. */
export interface EchoTrace {
  /** Pieces given to subscribers. */
  given: number;
  /** Subscriptions that are open. */
  followers: number;
}

/** A kind of machine with the keys of `m`: it answers calls with their payloads, and reads with the payload of the last call. */
export function echoKind(trace: EchoTrace): RegionMachineKind {
  return {
    name: 'echo',
    range: { start: Buffer.from('m'), end: Buffer.from('n') },
    create: ({ reader }) => new EchoMachine(trace, () => reader.getSync(lastKey)),
  };
}

const lastKey = Buffer.from('m/last');

class EchoMachine implements RegionMachine {
  readonly #trace: EchoTrace;
  readonly #readLast: () => Uint8Array | undefined;
  #last: Uint8Array = new Uint8Array(0);

  constructor(trace: EchoTrace, readLast: () => Uint8Array | undefined) {
    this.#trace = trace;
    this.#readLast = readLast;
  }

  async load(): Promise<void> {
    this.#last = this.#readLast() ?? new Uint8Array(0);
  }

  apply(payload: Uint8Array, _index: number, batch: { put(key: Uint8Array, value: Uint8Array): void }): Uint8Array {
    this.#last = payload;
    batch.put(lastKey, payload);
    return payload;
  }

  written(): void {}

  read(): Uint8Array {
    return this.#last;
  }

  tick(): void {}

  /** `size×count` pieces; `wait` brings nothing. */
  subscribe(payload: Uint8Array): MachineSubscription {
    const text = Buffer.from(payload).toString();
    let [size = 0, left = 0] = text === 'wait' ? [0, 0] : text.split('×').map(Number);
    const trace = this.#trace;
    let end: (() => void) | undefined;
    trace.followers += 1;
    return {
      async next() {
        if (text === 'wait') await new Promise<void>((resolve) => (end = resolve));
        if (left === 0) return undefined;
        left -= 1;
        trace.given += 1;
        return new Uint8Array(size);
      },
      close() {
        trace.followers -= 1;
        size = 0;
        end?.();
      },
    };
  }

  close(): void {}
}
