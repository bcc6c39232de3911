import { checkOf } from './complaint.ts';
import type { Mutant } from './mutant.ts';
import { PlayerProcess } from './player-process.ts';

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
  /** Seeds that failed without any bug: they convict nobody. */
  readonly onFailedControl: (mutant: Mutant, seed: number, complaint: string) => void;
  readonly onProgress: (mutant: Mutant, seeds: number) => void;
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
      const complaint = await player.play({ profile, seed });
      if (complaint === undefined) {
        options.onProgress(mutant, count);
        continue;
      }
      const without = await control.play({ profile, seed });
      if (without === undefined)
        return { type: 'caught', mutant, seed, seeds: count, check: checkOf(complaint), complaint };
      options.onFailedControl(mutant, seed, without);
    }
    return { type: 'missed', mutant, seeds: options.seeds };
  } finally {
    player.stop();
    control.stop();
  }
}
