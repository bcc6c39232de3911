import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { builtModuleUrl } from '../src/built-module.ts';
import { checkOf } from '../src/complaint.ts';
import { hunt, objectionTo } from '../src/hunt.ts';
import { edited, type Mutant } from '../src/mutant.ts';
import { findMutant, mutants } from '../src/mutants.ts';
import { MutantsOptionsError, parseMutantsOptions } from '../src/options.ts';
import { seedCpuLimitMs } from '../src/player-message.ts';

/** The texts of the modules that a mutant changes, changed. */
function mutatedTexts({ edits }: Mutant): string[] {
  const texts = new Map<string, string>();
  for (const edit of edits) {
    const text = texts.get(edit.module) ?? readFileSync(builtModuleUrl(edit.module), 'utf8');
    texts.set(edit.module, edited(text, edit));
  }
  return [...texts.values()];
}

describe('mutants', () => {
  it('are many, each with an id of its own', () => {
    expect(mutants.length).toBeGreaterThanOrEqual(25);
    expect(new Set(mutants.map(({ id }) => id)).size).toBe(mutants.length);
  });

  for (const mutant of mutants) {
    it(`${mutant.id} fits the built code`, () => {
      expect(() => mutatedTexts(mutant)).not.toThrow();
    });
  }

  it('leave modules that can be parsed', () => {
    const texts = mutants.map((mutant) => [mutant.id, mutatedTexts(mutant)]);
    const program = `
      const { SourceTextModule } = require('node:vm');
      for (const [id, texts] of JSON.parse(require('node:fs').readFileSync(0, 'utf8'))) {
        for (const text of texts) new SourceTextModule(text, { identifier: id });
      }`;
    const args = ['--experimental-vm-modules', '--no-warnings', '--input-type=commonjs', '--eval', program];
    expect(() => execFileSync(process.execPath, args, { input: JSON.stringify(texts), stdio: 'pipe' })).not.toThrow();
  });

  it('do not fit code that lacks their text, or holds it twice', () => {
    const edit = { module: 'raft/node/step', find: 'a', replace: 'b' };
    expect(() => edited('xyz', edit)).toThrow(/does not hold/);
    expect(() => edited('xaya', edit)).toThrow(/more than once/);
    expect(edited('xay', edit)).toBe('xby');
  });
});

describe('a hunt', () => {
  const quiet = { onFailedControl: () => {}, onProgress: () => {} };

  it('catches a bug by a seed that passes without it', { timeout: 300_000 }, async () => {
    const mutant = findMutant('delete-not-applied-by-followers');
    const result = await hunt(mutant, { from: 1, seeds: 20, ...quiet }, () => {});
    expect(result).toMatchObject({ type: 'caught', mutant });
  });

  it('catches nothing where nothing is planted', { timeout: 300_000 }, async () => {
    const harmless = { ...findMutant('delete-not-applied-by-followers'), id: 'none' };
    await expect(hunt(harmless, { from: 1, seeds: 1, ...quiet }, () => {})).rejects.toThrow(/there is no mutant none/);
  });
});

describe('a failure convicts', () => {
  const passed = { complaint: undefined, isEndless: false, cpuMs: 1_000 };
  const endless = { complaint: 'process: the seed does not end', isEndless: true, cpuMs: seedCpuLimitMs };

  it('unless the seed fails without the bug too', () => {
    const failed = { ...passed, complaint: 'raft: violated' };
    expect(objectionTo(failed, passed)).toBeUndefined();
    expect(objectionTo(failed, { ...passed, complaint: 'set: violated' })).toBe('set: violated');
  });

  it('by not ending only where the seed ends soon without the bug', () => {
    expect(objectionTo(endless, passed)).toBeUndefined();
    expect(objectionTo(endless, { ...passed, cpuMs: seedCpuLimitMs / 2 })).toMatch(/it needs 30 s/);
    expect(objectionTo(endless, endless)).toMatch(/does not end/);
  });
});

describe('what is said', () => {
  it('names the check of a complaint', () => {
    expect(checkOf('final values: violated: key "a" ends as 1\n  more')).toBe('final values');
    expect(checkOf('node 2 stopped: the log has a gap')).toBe('stores');
    expect(checkOf('no progress within 10 election timeouts: …')).toBe('progress');
    expect(checkOf('process: ended with 1 in the middle of the seed')).toBe('process');
    expect(checkOf('InvariantError: not in time: equal replicas')).toBe('convergence');
    expect(checkOf('TypeError: x is not a function')).toBe('failure');
  });

  it('is told by options, of which others are refused', () => {
    const { from, seeds, processes, lists } = parseMutantsOptions([]);
    expect({ from, seeds, processes, lists }).toEqual({ from: 1, seeds: 2_000, processes: 2, lists: false });
    expect(parseMutantsOptions(['--only', 'vote-twice,log-not-synced']).mutants.map(({ id }) => id)).toEqual([
      'vote-twice',
      'log-not-synced',
    ]);
    for (const args of [
      ['--only', 'nothing'],
      ['--seeds', '0'],
      ['--seeds', 'x'],
      ['--processes', '1.5'],
      ['--what'],
    ]) {
      expect(() => parseMutantsOptions(args)).toThrow(MutantsOptionsError);
    }
  });
});
