import { StringDecoder } from 'node:string_decoder';

const maxPartialCharacters = 64 * 1024;

/** Puts a prefix before each line of a stream of bytes, and never mixes two streams within a line. */
export class LinePrefixer {
  readonly #prefix: string;
  readonly #write: (text: string) => void;
  readonly #decoder = new StringDecoder('utf8');
  #partial = '';

  constructor(prefix: string, write: (text: string) => void) {
    this.#prefix = prefix;
    this.#write = write;
  }

  push(chunk: Buffer): void {
    const lines = (this.#partial + this.#decoder.write(chunk)).split('\n');
    this.#partial = lines.pop() ?? '';
    if (lines.length > 0) this.#write(lines.map((line) => `${this.#prefix}${line}\n`).join(''));
    if (this.#partial.length > maxPartialCharacters) this.end();
  }

  /** Writes what is left of a last line without line end. */
  end(): void {
    if (this.#partial !== '') this.#write(`${this.#prefix}${this.#partial}\n`);
    this.#partial = '';
  }
}
