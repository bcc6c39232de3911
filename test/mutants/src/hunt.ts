import { checkOf } from './complaint.ts';
import type { Mutant } from './mutant.ts';
import { seedCpuLimitMs } from './player-message.ts';
import { type Play, PlayerProcess } from './player-process.ts';

/** What became of a mutant. */
export type HuntResult =
  | {
      readonly type: 'caught';
      readonly mutant: Mutant;
      readonly seed: number;
      /** How many seeds were played with the bug. */
      readonly seeds: number;
      readonly check: string;
      readonly complaint: string;
    }
  | { readonly type: 'missed'; readonly mutant: Mutant; readonly seeds: number };

/** How far a hunt goes. */
export interface HuntOptions {
  readonly from: number;
  readonly seeds: number;
  /** Hears of seeds that fail, or take long, without any bug: they convict nobody. */
  readonly onFailedControl: (mutant: Mutant, seed: number, complaint: string) => void;
  readonly onProgress: (mutant: Mutant, seeds: number) => void;
}

/**
 * Why a failure does not convict, given the same seed without the bug. That a seed does not end says something only where it
 * ends well within the limit without the bug.
 */
export function objectionTo(play: Play, without: Play): string | undefined {
  if (without.complaint !== undefined) return without.complaint;
  if (!play.isEndless || without.cpuMs < seedCpuLimitMs / 4) return undefined;
  return `it needs ${Math.round(without.cpuMs / 1_000)} s of the processor without the bug`;
}

/** Plays seeds with a bug until one fails that passes without it. */
export async function hunt(
  mutant: Mutant,
  options: HuntOptions,
  track: (player: PlayerProcess) => void,
): Promise<HuntResult> {
  const { profile } = mutant;
  const player = new PlayerProcess(mutant.id);
  const control = new PlayerProcess();
  track(player);
  track(control);
  try {
    for (let count = 1; count <= options.seeds; count += 1) {
      const seed = options.from + count - 1;
      const play = await player.play({ profile, seed });
      const { complaint } = play;
      if (complaint === undefined) {
        options.onProgress(mutant, count);
        continue;
      }
      const without = await control.play({ profile, seed });
      const objection = objectionTo(play, without);
      if (objection === undefined)
        return { type: 'caught', mutant, seed, seeds: count, check: checkOf(complaint), complaint };
      options.onFailedControl(mutant, seed, objection);
    }
    return { type: 'missed', mutant, seeds: options.seeds };
  } finally {
    player.stop();
    control.stop();
  }
}
