import { SimulatedWorld } from '@flotilla/runtime';
import { expect, test } from 'vitest';
import { defaultOutlierRules } from '../../../src/index.ts';
import { OutlierDetector } from '../../../src/registry/balancer/outlier-detector.ts';

const ids = ['a', 'b', 'c', 'd'];

function setUp(): { world: SimulatedWorld; detector: OutlierDetector; fail(id: string, times: number): void } {
  const world = new SimulatedWorld(1);
  const detector = new OutlierDetector(defaultOutlierRules, world.createRuntime('client').clock);
  detector.keep(ids);
  const fail = (id: string, times: number): void => {
    for (let call = 0; call < times; call += 1) detector.record(id, true);
  };
  return { world, detector, fail };
}

test('an instance is ejected when enough calls in a row have failed, and comes back', async () => {
  const { world, detector, fail } = setUp();
  fail('a', 4);
  expect(detector.isEjected('a')).toBe(false);
  fail('a', 1);
  expect(detector.isEjected('a')).toBe(true);
  await world.advance(29_999);
  expect(detector.isEjected('a')).toBe(true);
  await world.advance(1);
  expect(detector.isEjected('a')).toBe(false);
});

test('a call that succeeds starts the count afresh', () => {
  const { detector, fail } = setUp();
  fail('a', 4);
  detector.record('a', false);
  fail('a', 4);
  expect(detector.isEjected('a')).toBe(false);
});

test('each further ejection lasts longer, until calls succeed again', async () => {
  const { world, detector, fail } = setUp();
  fail('a', 5);
  await world.advance(30_000);
  fail('a', 5);
  await world.advance(59_999);
  expect(detector.isEjected('a')).toBe(true);
  await world.advance(1);
  detector.record('a', false);
  detector.record('a', false);
  fail('a', 5);
  await world.advance(30_000);
  expect(detector.isEjected('a')).toBe(false);
});

test('no more than the share is ejected, and never the only instance', () => {
  const { detector, fail } = setUp();
  for (const id of ids) fail(id, 5);
  expect(ids.filter((id) => detector.isEjected(id))).toEqual(['a', 'b']);
  const { detector: alone, fail: failAlone } = setUp();
  alone.keep(['a']);
  failAlone('a', 50);
  expect(alone.isEjected('a')).toBe(false);
});
