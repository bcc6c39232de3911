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
   * Reads a message. Its `bytes` fields are views into the source, not copies.
   *
   * @throws {WireError} or RangeError when the bytes are malformed or cut short, or a 64-bit number is not a safe integer.
   */
  decode(source: Uint8Array | Reader, length?: number): T;
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

/** A reader over `source`, or `source` itself when it is one. */
export function open(source: Uint8Array | Reader): Reader {
  return source instanceof Uint8Array ? Reader.create(source) : source;
}

/** The bytes that `writer` has gathered. */
export function finish(writer: Writer): Uint8Array {
  return writer.finish();
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
  const value = readInt64Big(reader);
  const number = Number(value);
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

/** Writes a bigint as a 64-bit varint; negative numbers take ten bytes. */
export function writeBig(writer: Writer, type: 'int64' | 'uint64', value: bigint): Writer {
  const bits = BigInt.asUintN(64, value);
  const parts = { low: Number(bits & 0xffffffffn) | 0, high: Number(bits >> 32n) | 0, unsigned: type === 'uint64' };
  return writer[type](parts as never);
}
