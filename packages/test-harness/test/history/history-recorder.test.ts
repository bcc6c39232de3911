import { InvariantError, SimulatedWorld } from '@flotilla/runtime';
import { describe, expect, it } from 'vitest';
import { describeOperation, HistoryRecorder } from '../../src/index.ts';

describe('HistoryRecorder', () => {
  it('records who did what, in which order and when', async () => {
    const world = new SimulatedWorld(1);
    await world.advance(5);
    const history = new HistoryRecorder(world.createRuntime('client').clock);
    const put = history.invoke(1, 'put', 'x', 'a');
    await world.advance(2);
    const get = history.invoke(2, 'get', 'x');
    get.ok('a');
    put.info();
    const cas = history.invoke(1, 'cas', 'x', ['a', 'b']);
    cas.fail();
    history.invoke(3, 'get', 'y');
    expect(history.operations().map(describeOperation)).toEqual([
      'process 1: put "x" "a" → info [0, ∞]',
      'process 2: get "x" → ok "a" [1, 2]',
      'process 1: cas "x" ["a","b"] → fail [4, 5]',
      'process 3: get "y" → info [6, ∞]',
    ]);
    expect(history.events.map(({ type, time }) => [type, time])).toEqual([
      ['invoke', 0],
      ['invoke', 2_000_000],
      ['ok', 2_000_000],
      ['info', 2_000_000],
      ['invoke', 2_000_000],
      ['fail', 2_000_000],
      ['invoke', 2_000_000],
    ]);
  });

  it('stops a test that ends an operation twice, or begins two at once', () => {
    const history = new HistoryRecorder(new SimulatedWorld(1).createRuntime('client').clock);
    const put = history.invoke(1, 'put', 'x', 'a');
    expect(() => history.invoke(1, 'get', 'x')).toThrow(InvariantError);
    put.ok();
    expect(() => put.info()).toThrow(InvariantError);
    history.invoke(1, 'put', 'x', 'a');
    expect(() => put.ok()).toThrow(InvariantError);
  });
});
