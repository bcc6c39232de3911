import { createRequire } from 'node:module';

const words = createRequire(import.meta.url)('an-array-of-english-words') as readonly string[];

/** A record of the word list: a word, and its length and position. */
export interface WordRecord {
  readonly key: string;
  readonly value: string;
}

/** The first `count` words of the list, each with its length and its position in the list. */
export function wordRecords(count: number): WordRecord[] {
  return words.slice(0, count).map((word, position) => ({
    key: word,
    value: `${word.length},${position}`,
  }));
}

/** Records as the lines of an NDJSON file, in their order. */
export function toNdjson(records: readonly WordRecord[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join('');
}

/** Records as `scan` prints them: by key, in the order of their bytes. */
export function toScanOutput(records: readonly WordRecord[]): string {
  const sorted = [...records].sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
  return sorted.map(({ key, value }) => `${key}\t${value}\n`).join('');
}
