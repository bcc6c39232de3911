import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { TokenFence } from '@flotilla/coordination';

/** The answer to a use of the file. */
export interface UseAnswer {
  readonly isAdmitted: boolean;
  readonly value: number;
}

/** A write as the file has it: one line each. */
interface WrittenLine {
  readonly value: number;
  readonly token: string;
  readonly holder: number;
}

const lock = 'soak';

/**
 * The file that the lock guards: it holds a number, which each write raises by one. Whoever shows a token is held to the fence;
 * whoever has none is let in, and judged by who acquired the lock last.
 */
export class GuardedFile {
  readonly #path: string;
  readonly #fence = new TokenFence();
  #value = 0;
  /** Uses that the fence refused. */
  refused = 0;
  /** Writes that were let in although another holder had the lock by then. */
  staleAccepted = 0;
  /** Writes that overwrote another's, because the number was not any more what the writer had read. */
  lostUpdates = 0;

  constructor(path: string) {
    this.#path = path;
    writeFileSync(path, '');
  }

  /** One use, by `holder`; `latest` is who acquired the lock last. */
  use(holder: number, latest: number, token: bigint | undefined, base: number | undefined): UseAnswer {
    if (token !== undefined && !this.#fence.admit(lock, token)) {
      this.refused += 1;
      return { isAdmitted: false, value: this.#value };
    }
    if (base === undefined) return { isAdmitted: true, value: this.#value };
    if (token === undefined && holder !== latest) this.staleAccepted += 1;
    if (base !== this.#value) this.lostUpdates += 1;
    this.#value = base + 1;
    const line: WrittenLine = { value: this.#value, token: token?.toString() ?? '', holder };
    appendFileSync(this.#path, `${JSON.stringify(line)}\n`);
    return { isAdmitted: true, value: this.#value };
  }

  /** Reads the file again: writes under a token that came after one under a higher token. */
  staleLines(): number {
    const lines = readFileSync(this.#path, 'utf8').split('\n').filter(Boolean);
    let highest = 0n;
    let stale = 0;
    for (const line of lines) {
      const { token } = JSON.parse(line) as WrittenLine;
      if (token === '') continue;
      if (BigInt(token) < highest) stale += 1;
      else highest = BigInt(token);
    }
    return stale;
  }

  /** How many writes were let in. */
  get writes(): number {
    return this.#value;
  }
}
