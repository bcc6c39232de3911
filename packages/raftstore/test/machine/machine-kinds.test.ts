import { metapb } from '@flotilla/protocol';
import { describe, expect, it } from 'vitest';
import { MachineKinds } from '../../src/machine/machine-kinds.ts';
import type { RegionMachineKind } from '../../src/machine/region-machine.ts';

function kind(start: string, end: string): RegionMachineKind {
  return {
    name: `${start}-${end}`,
    range: { start: Buffer.from(start), end: Buffer.from(end) },
    create: () => {
      throw new Error('not made here');
    },
  };
}

function region(start: string, end: string): metapb.Region {
  return metapb.Region.create({ id: 1, startKey: Buffer.from(start), endKey: Buffer.from(end) });
}

function texts(keys: readonly Uint8Array[]): string[] {
  return keys.map((key) => Buffer.from(key).toString());
}

describe('the kinds of machines of a store', () => {
  const kinds = new MachineKinds([kind('t', ''), kind('d', 'm'), kind('m', 'p')]);

  it('own keys from the start of their range to before its end', () => {
    expect(['c', 'd', 'lz', 'm', 'p', 't', 'z'].map((key) => kinds.ofKey(Buffer.from(key))?.name)).toEqual([
      undefined,
      'd-m',
      'd-m',
      'm-p',
      undefined,
      't-',
      't-',
    ]);
  });

  it('belong to the region of exactly their range', () => {
    expect(kinds.ofRegion(region('d', 'm'))?.name).toBe('d-m');
    expect(kinds.ofRegion(region('t', ''))?.name).toBe('t-');
    expect(kinds.ofRegion(region('d', 'p'))).toBeUndefined();
    expect(kinds.ofRegion(region('d', ''))).toBeUndefined();
    expect(kinds.ofRegion(region('', ''))).toBeUndefined();
  });

  it('name each boundary inside a region once, and none at its edges', () => {
    expect(texts(kinds.boundariesIn(region('', '')))).toEqual(['d', 'm', 'p', 't']);
    expect(texts(kinds.boundariesIn(region('e', 'n')))).toEqual(['m']);
    expect(texts(kinds.boundariesIn(region('d', 'm')))).toEqual([]);
    expect(texts(kinds.boundariesIn(region('t', '')))).toEqual([]);
  });

  it('tell which regions and splits touch them', () => {
    expect(kinds.overlaps(region('', 'd'))).toBe(false);
    expect(kinds.overlaps(region('p', 't'))).toBe(false);
    expect(kinds.overlaps(region('', 'e'))).toBe(true);
    expect(kinds.overlaps(region('z', ''))).toBe(true);
    expect(kinds.partedBy([Buffer.from('d'), Buffer.from('m')])).toBeUndefined();
    expect(kinds.partedBy([Buffer.from('b'), Buffer.from('e')])?.name).toBe('d-m');
  });

  it('share no key', () => {
    expect(() => new MachineKinds([kind('a', 'c'), kind('b', 'd')])).toThrow(/no keys in common/);
    expect(() => new MachineKinds([kind('a', ''), kind('b', 'd')])).toThrow(/no keys in common/);
    expect(() => new MachineKinds([kind('c', 'c')])).toThrow(/has keys/);
  });
});
