/** One line of the input, without its line end (`\n` or `\r\n`). */
export interface InputLine {
  /** 1 for the first line of the input. */
  readonly number: number;
  /** Offset in bytes of the first byte after the line and its line end. */
  readonly endOffset: number;
  /** `undefined` when the line is longer than the limit: its bytes were skipped, not kept. */
  readonly bytes: Uint8Array | undefined;
}

/** Where reading begins: the number and offset reached so far; zeros at the start of an input. */
export interface InputPosition {
  /** Lines before this position. */
  readonly line: number;
  /** Bytes before this position. */
  readonly offset: number;
}

/** The first position of any input. */
export const inputStart: InputPosition = { line: 0, offset: 0 };

const newline = 0x0a;
const carriageReturn = 0x0d;

/**
 * Splits chunks, of which the first begins at `start`, into lines. A last line without line end counts; a byte order
 * mark at the start of the input does not. Memory stays under `maxLineBytes` plus one chunk.
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  start: InputPosition,
  maxLineBytes: number,
): AsyncGenerator<InputLine> {
  let { line: number, offset } = start;
  let partial: Uint8Array[] = [];
  let partialBytes = 0;
  const take = (piece: Uint8Array, lineEndBytes: number): InputLine => {
    const length = partialBytes + piece.length;
    const bytes = length > maxLineBytes ? undefined : Buffer.concat([...partial, piece]);
    number += 1;
    offset += length + lineEndBytes;
    partial = [];
    partialBytes = 0;
    return { number, endOffset: offset, bytes: bytes && trim(bytes, number === 1) };
  };
  for await (const chunk of chunks) {
    let begin = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, begin)) {
      yield take(chunk.subarray(begin, end), 1);
      begin = end + 1;
    }
    const rest = chunk.subarray(begin);
    partialBytes += rest.length;
    // Once too long, the line's bytes are of no use; keeping none of them bounds the memory.
    if (partialBytes > maxLineBytes) partial = [];
    else if (rest.length > 0) partial.push(rest);
  }
  if (partialBytes > 0) yield take(new Uint8Array(0), 0);
}

function trim(bytes: Uint8Array, isFirst: boolean): Uint8Array {
  const begin = isFirst && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  const end = bytes.at(-1) === carriageReturn ? bytes.length - 1 : bytes.length;
  return bytes.subarray(begin, Math.max(begin, end));
}
