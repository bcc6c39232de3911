import type { Terminal } from '../src/terminal.ts';

/** A terminal that keeps what is written to it. */
export class MemoryTerminal implements Terminal {
  isOutputTty = false;
  isErrorTty = false;
  columns = 100;
  input: AsyncIterable<Uint8Array> = (async function* () {})();
  readonly chunks: Buffer[] = [];
  errors = '';

  get output(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }

  async write(chunk: string | Uint8Array): Promise<void> {
    this.chunks.push(Buffer.from(chunk as Uint8Array));
  }

  async flush(): Promise<void> {}

  writeError(text: string): void {
    this.errors += text;
  }

  style(_stream: 'output' | 'error', _style: unknown, text: string): string {
    return text;
  }

  /** What is read from standard input. */
  type(...chunks: readonly (string | Uint8Array)[]): void {
    this.input = (async function* () {
      for (const chunk of chunks) yield Buffer.from(chunk as Uint8Array);
    })();
  }
}
