import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';

/** An input of `load`: a file, or something that can be read only once. */
export interface LoadInput {
  /** What messages call it; the path of a file. */
  readonly name: string;
  /** Whether it can be read from the middle. */
  readonly isResumable: boolean;
  /** Size when the load began; `undefined` when it is not known. */
  readonly totalBytes: number | undefined;
  /** Bytes from `offset` on. */
  read(offset: number): AsyncIterable<Uint8Array>;
}

const readBytes = 256 * 1024;

/** Standard input as an input. */
export function streamInput(stream: AsyncIterable<Uint8Array>): LoadInput {
  return { name: 'standard input', isResumable: false, totalBytes: undefined, read: () => stream };
}

/** A file as an input; rejects when it cannot be read. A pipe or device is read once, from wherever it stands. */
export async function fileInput(path: string): Promise<LoadInput> {
  const file = await open(path, 'r');
  try {
    const stats = await file.stat();
    if (stats.isDirectory()) throw Object.assign(new Error('it is a directory'), { code: 'EISDIR' });
    const isFile = stats.isFile();
    return {
      name: path,
      isResumable: isFile,
      totalBytes: isFile ? stats.size : undefined,
      read: (offset) => createReadStream(path, isFile ? { start: offset, highWaterMark: readBytes } : {}),
    };
  } finally {
    await file.close();
  }
}

/** The first bytes of a file, enough to tell its format. */
export async function firstBytesOf(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
