import type { Clock } from '@flotilla/runtime';
import type { GuardedFile } from './guarded-file.ts';

/** What a run came to. */
export interface SoakVerdict {
  /** What was not to be; empty when all is well. */
  readonly complaints: readonly string[];
  /** Counts, for people. */
  readonly counts: Readonly<Record<string, number>>;
}

/** How much longer than the ttl the lock may lie idle. */
const idleGraceMs = 2000;

/** Follows who holds the lock, and counts. */
export class SoakTally {
  /** Who acquired the lock last; 0 for nobody. */
  latest = 0;
  /** Who holds it, as far as was heard; 0 for nobody. */
  holding = 0;
  pauses = 0;
  kills = 0;
  lost = 0;
  /** Refusals that reached a holder who thought that it held the lock. */
  believed = 0;
  readonly #clock: Clock;
  readonly #failures: string[] = [];
  #crashes = 0;
  #acquisitions = 0;
  #longestIdleMs = 0;
  /** When the latest holder was last heard of under the lock. */
  #seenAtMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  acquired(holder: number): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.#seenAtMs !== undefined) this.#longestIdleMs = Math.max(this.#longestIdleMs, nowMs - this.#seenAtMs);
    this.#acquisitions += 1;
    this.latest = holder;
    this.holding = holder;
    this.#seenAtMs = nowMs;
  }

  used(holder: number): void {
    if (holder === this.latest) this.#seenAtMs = this.#clock.monotonicMs();
  }

  released(holder: number): void {
    if (holder !== this.latest) return;
    this.#seenAtMs = this.#clock.monotonicMs();
    this.holding = 0;
  }

  failed(message: string): void {
    this.#failures.push(message);
  }

  crashed(code: number): void {
    this.#crashes += 1;
    this.#failures.push(`a holder ended with code ${code}`);
  }

  verdict(file: GuardedFile, ttlMs: number): SoakVerdict {
    const stale = file.staleAccepted + file.staleLines();
    const longestIdleMs = Math.round(this.#longestIdleMs);
    const mostIdleMs = ttlMs + idleGraceMs;
    const complaints = [
      stale > 0 ? `${stale} writes of former holders were accepted` : '',
      file.lostUpdates > 0 ? `${file.lostUpdates} writes overwrote another holder's` : '',
      this.believed > 0 ? `${this.believed} holders thought that they held the lock when another had it` : '',
      longestIdleMs > mostIdleMs ? `the lock was idle for ${longestIdleMs} ms, of ${mostIdleMs} ms at most` : '',
      this.#acquisitions === 0 || file.writes === 0 ? 'nobody ever used the file under the lock' : '',
      this.#crashes > 0 ? `${this.#crashes} holders ended by themselves` : '',
    ].filter((complaint) => complaint !== '');
    const counts = {
      acquisitions: this.#acquisitions,
      writes: file.writes,
      pauses: this.pauses,
      kills: this.kills,
      'losses noticed': this.lost,
      'stale uses refused': file.refused,
      'stale writes accepted': stale,
      'lost updates': file.lostUpdates,
      'longest idle ms': longestIdleMs,
      failures: this.#failures.length,
    };
    return { complaints: [...complaints, ...new Set(complaints.length > 0 ? this.#failures : [])], counts };
  }
}
