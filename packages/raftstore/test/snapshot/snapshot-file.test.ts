import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemorySnapshotDirectory } from '../../src/snapshot/memory-snapshot-directory.ts';
import { PairFileWriter, readPairs, summarizeFile } from '../../src/snapshot/snapshot-file.ts';
import { familyFileName, metaFileName, parseSnapshotFileName } from '../../src/snapshot/snapshot-key.ts';

const { clock } = createSystemRuntime({ logger: silentLogger });
const key = { direction: 'gen', regionId: 3, term: 6, index: 99 } as const;

describe('a snapshot file', () => {
  it('gives back the pairs that were written, in pieces of any size', async () => {
    const pairs = fc.array(
      fc.record({ key: fc.uint8Array({ maxLength: 20 }), value: fc.uint8Array({ maxLength: 200 }) }),
    );
    await fc.assert(
      fc.asyncProperty(pairs, fc.integer({ min: 1, max: 300 }), async (written, chunkBytes) => {
        const directory = new MemorySnapshotDirectory(clock);
        const writer = new PairFileWriter(await directory.create('file'));
        await writer.write(written);
        const summary = await writer.commit();
        expect(await summarizeFile(directory, 'file', chunkBytes)).toEqual(summary);
        const found: { key: Uint8Array; value: Uint8Array }[] = [];
        for await (const some of readPairs(directory, 'file', chunkBytes)) found.push(...some);
        expect(found.map(plain)).toEqual(written.map(plain));
      }),
    );
  });

  it('is refused when it is cut short or its lengths are nonsense', async () => {
    const directory = new MemorySnapshotDirectory(clock);
    const writer = new PairFileWriter(await directory.create('whole'));
    await writer.write([{ key: Buffer.from('key'), value: Buffer.from('value') }]);
    const { bytes, checksum } = await writer.commit();
    for (let length = 1; length < bytes; length += 1) {
      const cut = await directory.create('cut');
      for await (const chunk of directory.read('whole', 1_000)) await cut.write(chunk.subarray(0, length));
      await cut.commit();
      await expect(drain(directory, 'cut')).rejects.toMatchObject({ code: 'malformedSnapshot' });
    }
    directory.flipBit('whole', 0);
    expect((await summarizeFile(directory, 'whole', 64)).checksum).not.toBe(checksum);
    const nonsense = await directory.create('nonsense');
    await nonsense.write(new Uint8Array(16).fill(0xff));
    await nonsense.commit();
    await expect(drain(directory, 'nonsense')).rejects.toMatchObject({ code: 'malformedSnapshot' });
  });
});

describe('the name of a snapshot file', () => {
  it('tells which snapshot it belongs to, and is no path', () => {
    for (const name of [familyFileName(key, 'write'), metaFileName(key)])
      expect(parseSnapshotFileName(name)).toEqual(key);
    for (const name of [
      'gen_1_2_3_../../etc',
      'gen_1_2_3_default.tmp',
      'other',
      'gen_1_2_default',
      '/gen_1_2_3_meta',
    ]) {
      expect(parseSnapshotFileName(name)).toBeUndefined();
    }
  });
});

function plain(pair: { key: Uint8Array; value: Uint8Array }): string[] {
  return [Buffer.from(pair.key).toString('hex'), Buffer.from(pair.value).toString('hex')];
}

async function drain(directory: MemorySnapshotDirectory, name: string): Promise<void> {
  for await (const _pairs of readPairs(directory, name, 1_000)) {
    // Reading to the end is the test.
  }
}
