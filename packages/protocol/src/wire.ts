import protobuf from 'protobufjs/minimal.js';

/** Reads protobuf primitives from bytes. */
export type Reader = protobuf.Reader;
export const Reader = protobuf.Reader;
/** Writes protobuf primitives into bytes. */
export type Writer = protobuf.Writer;
export const Writer = protobuf.Writer;

/** Bytes that are not the message they should be, or a number that JavaScript cannot hold exactly. */
export class WireError extends Error {
  readonly code = 'malformedMessage';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'WireError';
  }
}

/** Reads and writes one message type. Messages are plain objects in which every field is present. */
export interface Codec<T> {
  /** A message with proto3's defaults for every field that is not given. */
  create(fields?: Partial<T>): T;
  /** The message's bytes, owned by the caller. */
  encode(message: T): Uint8Array;
  /** Appends the message's bytes to `writer`. */
  encodeTo(message: T, writer: Writer): Writer;
  /**
   * Reads a message that takes up all of `bytes`. Its `bytes` fields are views into the source, not copies. Unknown fields
   * are skipped; of a single field that comes twice the last one counts.
   *
   * @throws {WireError} when the bytes are malformed or cut short, or a 64-bit number is not a safe integer.
   */
  decode(bytes: Uint8Array): T;
  /** Reads a message that ends at the position `end` of the reader. Throws whatever the reader throws too. */
  decodeFrom(reader: Reader, end: number): T;
}

/** A gRPC method in the shape that grpc-js takes for servers and clients. */
export interface MethodDefinition<Request, Response> {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (message: Request) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => Request;
  readonly responseSerialize: (message: Response) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

/** Builds the definition of one gRPC method from the codecs of its request and response. */
export function method<Request, Response>(
  path: string,
  request: Codec<Request>,
  response: Codec<Response>,
  requestStream: boolean,
  responseStream: boolean,
): MethodDefinition<Request, Response> {
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: (message) => asBuffer(request.encode(message)),
    requestDeserialize: (bytes) => request.decode(bytes),
    responseSerialize: (message) => asBuffer(response.encode(message)),
    responseDeserialize: (bytes) => response.decode(bytes),
  };
}

/** The same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The value of a bytes field that is not set; one for all, as an array without elements cannot change. */
export const emptyBytes: Uint8Array = new Uint8Array(0);

/** Buffers that a large message has grown beyond this many bytes are not kept for the next one. */
const keptBufferBytes = 1024 * 1024;
let scratch = Writer.create();

/** Encodes through one writer that all messages share: its buffer has grown to their size already. */
export function encodeWhole<T>(codec: Codec<T>, message: T): Uint8Array {
  const writer = scratch;
  // Forked positions of an encoding that threw must not stay.
  if ((writer.states?.length ?? 0) > 0 || writer.buf.length > keptBufferBytes) scratch = Writer.create();
  else writer.pos = 0;
  return codec.encodeTo(message, scratch).finish();
}

/** Decodes all of `bytes`; every failure becomes a `WireError` that names the message. */
export function decodeWhole<T>(codec: Codec<T>, name: string, bytes: Uint8Array): T {
  const reader = Reader.create(bytes);
  try {
    return codec.decodeFrom(reader, reader.len);
  } catch (cause) {
    throw new WireError(`${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** Reads a length, and says where what follows ends. */
export function readEnd(reader: Reader): number {
  const size = reader.size();
  return reader.pos + size;
}

/**
 * Reads an unsigned 64-bit varint as a number.
 *
 * @throws {WireError} above 2^53 − 1.
 */
export function readUint64(reader: Reader): number {
  const { buf, len } = reader;
  let value = 0;
  let scale = 1;
  for (let count = 0; count < 10; count += 1) {
    if (reader.pos >= len) throw new WireError('a varint is cut short');
    const byte = buf[reader.pos++] as number;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      if (!Number.isSafeInteger(value)) throw new WireError('a 64-bit number is larger than 2^53 - 1');
      return value;
    }
    scale *= 128;
  }
  throw new WireError('a varint is longer than ten bytes');
}

/**
 * Reads a signed 64-bit varint as a number.
 *
 * @throws {WireError} outside ±(2^53 − 1).
 */
export function readInt64(reader: Reader): number {
  const number = Number(readInt64Big(reader));
  if (!Number.isSafeInteger(number)) throw new WireError('a 64-bit number is not a safe integer');
  return number;
}

/** Reads an unsigned 64-bit varint as a bigint. */
export function readUint64Big(reader: Reader): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    if (reader.pos >= reader.len) throw new WireError('a varint is cut short');
    const byte = reader.buf[reader.pos++] as number;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asUintN(64, value);
  }
  throw new WireError('a varint is longer than ten bytes');
}

/** Reads a signed 64-bit varint as a bigint. */
export function readInt64Big(reader: Reader): bigint {
  return BigInt.asIntN(64, readUint64Big(reader));
}

/** Writes an unsigned 32-bit varint. @throws {WireError} for any other number, which would be cut to fit. */
export function writeUint32(writer: Writer, value: number): Writer {
  if (value >>> 0 !== value) throw new WireError(`${value} is not an unsigned 32-bit number`);
  return writer.uint32(value);
}

/** Writes a signed 32-bit varint. @throws {WireError} for any other number, which would be cut to fit. */
export function writeInt32(writer: Writer, value: number): Writer {
  if ((value | 0) !== value) throw new WireError(`${value} is not a signed 32-bit number`);
  return writer.int32(value);
}

/** Writes an unsigned 64-bit varint. @throws {WireError} when `value` is not a safe integer from 0. */
export function writeUint64(writer: Writer, value: number): Writer {
  if (value >>> 0 === value) return writer.uint32(value);
  if (!Number.isSafeInteger(value) || value < 0) throw new WireError(`${value} is not an unsigned safe integer`);
  return writer.uint64(value);
}

/** Writes a signed 64-bit varint; negative numbers take ten bytes. @throws {WireError} when it is not a safe integer. */
export function writeInt64(writer: Writer, value: number): Writer {
  if (!Number.isSafeInteger(value)) throw new WireError(`${value} is not a safe integer`);
  return writer.int64(value);
}

/** Writes an unsigned 64-bit varint. @throws {WireError} outside 0 … 2^64 − 1. */
export function writeUint64Big(writer: Writer, value: bigint): Writer {
  if (BigInt.asUintN(64, value) !== value) throw new WireError(`${value} is not an unsigned 64-bit number`);
  return writer.uint64(halvesOf(value, true));
}

/** Writes a signed 64-bit varint; negative numbers take ten bytes. @throws {WireError} outside ±2^63. */
export function writeInt64Big(writer: Writer, value: bigint): Writer {
  if (BigInt.asIntN(64, value) !== value) throw new WireError(`${value} is not a signed 64-bit number`);
  return writer.int64(halvesOf(BigInt.asUintN(64, value), false));
}

/** What protobufjs takes for numbers above 2^53: two halves of 32 bits. Its types ask for a whole `Long`. */
function halvesOf(bits: bigint, unsigned: boolean): never {
  return { low: Number(bits & 0xffffffffn) | 0, high: Number(bits >> 32n) | 0, unsigned } as never;
}
