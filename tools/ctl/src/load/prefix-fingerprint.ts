import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';

const chunkBytes = 256 * 1024;

/**
 * SHA-256 over the first bytes of a file. It tells whether what a checkpoint says was loaded is still what the file
 * begins with; what comes after may change, so that a bad line can be mended before the load is resumed.
 */
export class PrefixFingerprint {
  readonly #file: FileHandle;
  readonly #hash = createHash('sha256');
  readonly #chunk = Buffer.allocUnsafe(chunkBytes);
  #offset = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async open(path: string): Promise<PrefixFingerprint> {
    return new PrefixFingerprint(await open(path, 'r'));
  }

  /**
   * The fingerprint of the first `offset` bytes, in hexadecimal; `undefined` when the file is shorter. Offsets must not go
   * back: each byte is read once.
   */
  async advanceTo(offset: number): Promise<string | undefined> {
    while (this.#offset < offset) {
      const wanted = Math.min(chunkBytes, offset - this.#offset);
      const { bytesRead } = await this.#file.read(this.#chunk, 0, wanted, this.#offset);
      if (bytesRead === 0) return undefined;
      this.#hash.update(this.#chunk.subarray(0, bytesRead));
      this.#offset += bytesRead;
    }
    return this.#hash.copy().digest('hex');
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
