/** Gathers what a command prints, with the indentation in force and the level that may silence it. */
export class Output {
  isSilent = false;
  #text = '';
  #indent = '';

  /** Writes lines; a final newline is added if lacking. */
  write(text: string): void {
    if (this.isSilent || text === '') return;
    for (const line of (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n')) {
      this.#text += `${this.#indent}${line}\n`;
    }
  }

  /** Writes a header, and what `body` writes indented beneath it. */
  block(header: string, body: () => void): void {
    this.write(header);
    const outer = this.#indent;
    this.#indent = `${outer}  `;
    try {
      body();
    } finally {
      this.#indent = outer;
    }
  }

  /** Takes what has been written. */
  take(): string {
    const text = this.#text;
    this.#text = '';
    this.#indent = '';
    return text;
  }
}
