import { describe, it } from 'vitest';
import { matrix } from './matrix.ts';
import { scales } from './scenario.ts';

/*
 * Each row once, quickly. `npm run scenarios` plays rows as long and as often as it is told; it sets these variables.
 */
const only = process.env['FLOTILLA_SCENARIO_ONLY']?.split(',');
const firstSeed = Number(process.env['FLOTILLA_SCENARIO_SEED'] ?? 1);
const repeat = Number(process.env['FLOTILLA_SCENARIO_REPEAT'] ?? 1);
const scale = process.env['FLOTILLA_SCENARIO_FULL'] === undefined ? scales.quick : scales.full;

const rows = matrix.filter(({ name }) => only === undefined || only.includes(name));

describe.each(rows)('$name: $about', ({ name, play }) => {
  for (let seed = firstSeed; seed < firstSeed + repeat; seed += 1) {
    it(`${name} holds from seed ${seed}`, { timeout: 300_000 }, async () => {
      await play(seed, scale).catch((cause: unknown) => {
        const isFull = scale === scales.full;
        const replay = `npm run scenarios -- --only ${name} --seed ${seed} --repeat 1${isFull ? '' : ' --quick'}`;
        throw new Error(`replay by: ${replay}\n${cause instanceof Error ? cause.stack : String(cause)}`, { cause });
      });
    });
  }
});
