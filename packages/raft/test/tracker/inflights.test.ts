import { describe, expect, it } from 'vitest';
import { Inflights } from '../../src/tracker/inflights.ts';

describe('Inflights', () => {
  it('is full by number', () => {
    const inflights = new Inflights(2, Infinity);
    inflights.add(1, 100);
    expect(inflights.isFull()).toBe(false);
    inflights.add(2, 100);
    expect(inflights.isFull()).toBe(true);
    expect(() => inflights.add(3, 1)).toThrow('full window');
  });

  it('is full by bytes: the message that reaches the limit is still sent', () => {
    const inflights = new Inflights(10, 100);
    inflights.add(1, 99);
    expect(inflights.isFull()).toBe(false);
    inflights.add(2, 50);
    expect(inflights.isFull()).toBe(true);
    inflights.freeThrough(1);
    expect(inflights.isFull()).toBe(false);
  });

  it('frees in order, through any number of turns of the ring', () => {
    const inflights = new Inflights(5, Infinity);
    let freed = 0;
    for (let index = 1; index <= 100; index += 1) {
      inflights.add(index, 1);
      if (inflights.count < 5 && index % 3 !== 0) continue;
      freed = index - 2;
      inflights.freeThrough(freed);
      expect(inflights.count).toBe(2);
    }
    inflights.freeThrough(freed);
    inflights.clear();
    expect([inflights.count, inflights.isFull()]).toEqual([0, false]);
    inflights.freeThrough(1000);
    expect(inflights.count).toBe(0);
  });

  it('grows when its ring has turned', () => {
    const inflights = new Inflights(100, Infinity);
    for (let index = 1; index <= 4; index += 1) inflights.add(index, 1);
    inflights.freeThrough(2);
    for (let index = 5; index <= 12; index += 1) inflights.add(index, 1);
    inflights.freeThrough(10);
    expect(inflights.count).toBe(2);
  });
});
