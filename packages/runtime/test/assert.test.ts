import { describe, expect, it } from 'vitest';
import { assert, InvariantError, unreachable } from '../src/assert.ts';

describe('assert', () => {
  it('passes what holds and throws a coded error with the values that show what does not', () => {
    expect(() => assert(true, 'fine')).not.toThrow();
    const details = { index: 3, term: 2n, at: Number.NaN };
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    expect(() => assert(false, 'broken', details)).toThrow('broken { index: 3, term: 2n, at: NaN }');
    expect(() => assert(false, 'broken', cyclic)).toThrow(InvariantError);
    expect(() => assert(false, 'broken')).toThrow(/^broken$/);
    try {
      assert(false, 'broken', details);
    } catch (error) {
      expect(error).toMatchObject({ name: 'InvariantError', code: 'invariantViolated', details });
    }
  });
});

describe('unreachable', () => {
  it('shows the discriminant of a message and nothing else of it', () => {
    const message = { type: 'put', key: 'secret' } as never;
    expect(() => unreachable(message, 'command')).toThrow("unexpected command { value: 'put' }");
    expect(() => unreachable({ key: 'secret' } as never, 'command')).toThrow("unexpected command { value: 'object' }");
    expect(() => unreachable('sideways' as never, 'direction')).toThrow("unexpected direction { value: 'sideways' }");
  });
});
