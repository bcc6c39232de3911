import { expect, it } from 'vitest';
import { toTransferable } from '../src/transferable.ts';

it('copies out of a pool, so that transferring takes nothing from others', () => {
  const pooled = Buffer.from('pooled');
  expect(pooled.buffer.byteLength).toBeGreaterThan(pooled.byteLength);
  const own = toTransferable(pooled);
  expect(own.buffer.byteLength).toBe(pooled.byteLength);
  const moved = structuredClone(own, { transfer: [own.buffer] });
  expect(Buffer.from(moved).toString()).toBe('pooled');
  expect(own.byteLength).toBe(0);
  expect(pooled.toString()).toBe('pooled');
});
