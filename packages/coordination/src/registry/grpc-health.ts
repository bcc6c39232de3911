import { type MethodDefinition, Reader, Writer } from '@flotilla/protocol';

/** The status of a service that takes requests. */
export const servingStatus = 1;

/**
 * The call that asks a server how a service of its is; the empty name asks for the whole server. The answer is a serving
 * status. Source: the gRPC health checking protocol, `grpc.health.v1.Health/Check`.
 */
export const grpcHealthCheck: MethodDefinition<string, number> = {
  path: '/grpc.health.v1.Health/Check',
  requestStream: false,
  responseStream: false,
  requestSerialize: (service) => Buffer.from(Writer.create().uint32(10).string(service).finish()),
  requestDeserialize: (bytes) => readField(bytes, 10, (reader) => reader.string()) ?? '',
  responseSerialize: (status) => Buffer.from(Writer.create().uint32(8).int32(status).finish()),
  responseDeserialize: (bytes) => readField(bytes, 8, (reader) => reader.int32()) ?? 0,
};

/** The field with the given tag, which is its number and wire type; the last one where it comes twice. */
function readField<T>(bytes: Uint8Array, tag: number, read: (reader: Reader) => T): T | undefined {
  const reader = Reader.create(bytes);
  let value: T | undefined;
  while (reader.pos < reader.len) {
    const next = reader.uint32();
    if (next === tag) value = read(reader);
    else reader.skipType(next & 7);
  }
  return value;
}
