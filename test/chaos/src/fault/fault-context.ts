import type { Timers } from '@flotilla/runtime';
import type { World } from '../world/world.ts';
import type { Members } from './members.ts';

/** What faults are made with. */
export interface FaultContext {
  readonly members: Members;
  readonly world: World;
  readonly timers: Timers;
  /** Ends the run early: what is held is let go. */
  readonly signal: AbortSignal;
  readonly onViolation: (text: string) => void;
}

/** A fault that is over as far as its maker is concerned; the cluster has yet to recover from it. */
export interface EndedFault {
  /** What it was in particular, for people. */
  readonly detail: string;
  /** Called once the cluster has recovered: from then on nothing is excused any more. */
  readonly settle: () => void;
}

/** Waits, or less when the run ends early. */
export async function hold({ timers, signal }: FaultContext, ms: number): Promise<void> {
  await timers.sleep(ms, signal).catch(() => {});
}
