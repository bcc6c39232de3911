import type {
  MachineBatch,
  MachineLeadership,
  MachineReader,
  MachineSubscription,
  RegionMachine,
  RegionMachineHost,
  RegionMachineKind,
} from '@flotilla/raftstore';

const sumKey = Buffer.from('m/sum');
const entryPrefix = 'm/entry/';

/** What every machine of a cluster did, for tests to look at. */
export interface CounterTrace {
  readonly machines: CounterMachine[];
}

/** A kind of machines that add numbers up: the worst that a call applied twice could meet. */
export function counterKind(trace: CounterTrace = { machines: [] }): RegionMachineKind {
  return {
    name: 'counter',
    range: { start: Buffer.from('m'), end: Buffer.from('n') },
    create: (host) => {
      const machine = new CounterMachine(host);
      trace.machines.push(machine);
      return machine;
    },
  };
}

/** A logged call adds the number in its payload, or nothing for `none`; a read answers `sum`, `term` or `calls`. */
export class CounterMachine implements RegionMachine {
  readonly host: RegionMachineHost;
  readonly #reader: MachineReader;
  readonly #waiting = new Set<() => void>();
  sum = 0;
  entries: number[] = [];
  /** How many of the entries are in the database. */
  writtenCount = 0;
  isLoaded = false;
  isClosed = false;
  /** Proposed at the next tick as leader. */
  proposal: string | undefined;
  answers: (string | undefined)[] = [];
  ticks: (number | undefined)[] = [];
  /** Subscriptions that are open, and pieces that they were given. */
  followers = 0;
  given = 0;
  /** Holds the load until it resolves. */
  static gate: Promise<void> | undefined;

  constructor(host: RegionMachineHost) {
    this.host = host;
    this.#reader = host.reader;
  }

  async load(): Promise<void> {
    await CounterMachine.gate;
    this.sum = Number(Buffer.from(this.#reader.getSync(sumKey) ?? Buffer.from('0')).toString());
    for await (const pairs of this.#reader.iterate({ start: Buffer.from(entryPrefix) })) {
      for (const { key, value } of pairs) {
        if (Buffer.from(key).toString().startsWith(entryPrefix))
          this.entries.push(Number(Buffer.from(value).toString()));
      }
    }
    this.writtenCount = this.entries.length;
    this.isLoaded = true;
  }

  apply(payload: Uint8Array, _index: number, batch: MachineBatch): Uint8Array {
    const text = Buffer.from(payload).toString();
    if (text === 'none') return Buffer.from(String(this.sum));
    this.sum += Number(text);
    this.entries.push(Number(text));
    batch.put(sumKey, Buffer.from(String(this.sum)));
    batch.put(Buffer.from(`${entryPrefix}${String(this.entries.length).padStart(8, '0')}`), payload);
    return Buffer.from(String(this.sum));
  }

  written(): void {
    this.writtenCount = this.entries.length;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  read(payload: Uint8Array, leadership: MachineLeadership | undefined): Uint8Array {
    const text = Buffer.from(payload).toString();
    if (text === 'term') return Buffer.from(String(leadership?.term ?? 'none'));
    return Buffer.from(text === 'calls' ? this.entries.join(',') : String(this.sum));
  }

  tick(leadership: MachineLeadership | undefined): void {
    this.ticks.push(leadership?.term);
    if (leadership === undefined || this.proposal === undefined) return;
    const payload = Buffer.from(this.proposal);
    this.proposal = undefined;
    void this.host
      .propose(payload)
      .then((answer) => this.answers.push(answer === undefined ? undefined : Buffer.from(answer).toString()));
  }

  /** Every entry from the position in the payload on, one a piece; `end` there ends it. */
  subscribe(payload: Uint8Array): MachineSubscription {
    let position = Number(Buffer.from(payload).toString());
    let isClosed = false;
    this.followers += 1;
    return {
      next: async () => {
        while (!isClosed && !this.isClosed && position >= this.writtenCount) {
          await new Promise<void>((resolve) => this.#waiting.add(resolve));
        }
        if (isClosed || this.isClosed) return undefined;
        position += 1;
        this.given += 1;
        return Buffer.from(String(this.entries[position - 1]));
      },
      close: () => {
        if (!isClosed) this.followers -= 1;
        isClosed = true;
        for (const wake of this.#waiting) wake();
      },
    };
  }

  close(): void {
    this.isClosed = true;
    for (const wake of this.#waiting) wake();
  }
}
