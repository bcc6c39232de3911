import { connect, constants, type IncomingHttpHeaders } from 'node:http2';
import { Reader, Writer } from '@flotilla/protocol';
import type { HostPort } from './service-address.ts';

const path = '/grpc.health.v1.Health/Check';
/** The status of a service that takes requests. */
const servingStatus = 1;
/** In front of each message: a byte that says whether it is compressed, and four for its length. */
const prefixBytes = 5;

/**
 * Asks a server by the gRPC health checking protocol how a service of its is; the empty name asks for the whole server.
 *
 * It speaks HTTP/2 itself, because a channel cannot be made to let go of a connection on which the server stays silent, and
 * whoever looks at a process that hangs meets one at each look.
 *
 * Source: the gRPC health checking protocol, `grpc.health.v1.Health/Check`; gRPC over HTTP/2.
 */
export function probeGrpcHealth(target: HostPort, service: string, isTls: boolean, signal: AbortSignal): Promise<void> {
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  const session = connect(`${isTls ? 'https' : 'http'}://${host}:${target.port}`);
  const abort = (): void => session.destroy(new Error('the check was given up', { cause: signal.reason }));
  return new Promise<void>((resolve, reject) => {
    signal.addEventListener('abort', abort, { once: true });
    session.once('error', reject);
    const { HTTP2_HEADER_METHOD, HTTP2_HEADER_PATH, HTTP2_HEADER_CONTENT_TYPE, HTTP2_HEADER_TE } = constants;
    const stream = session.request({
      [HTTP2_HEADER_METHOD]: 'POST',
      [HTTP2_HEADER_PATH]: path,
      [HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
      [HTTP2_HEADER_TE]: 'trailers',
    });
    let ending: IncomingHttpHeaders = {};
    const body: Buffer[] = [];
    // A server that refuses has its status in the headers, any other in the trailers.
    stream.once('response', (headers) => {
      ending = headers;
    });
    stream.once('trailers', (trailers) => {
      ending = trailers;
    });
    stream.on('data', (chunk: Buffer) => body.push(chunk));
    stream.once('error', reject);
    stream.once('close', () => {
      try {
        const refusal = refusalOf(ending, Buffer.concat(body));
        if (refusal === undefined) resolve();
        else reject(new Error(refusal));
      } catch (cause) {
        reject(new Error('the instance answered with no message of the health protocol', { cause }));
      }
    });
    stream.end(requestOf(service));
  }).finally(() => {
    signal.removeEventListener('abort', abort);
    session.destroy();
  });
}

function requestOf(service: string): Buffer {
  const message = Writer.create().uint32(10).string(service).finish();
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** What speaks against the instance; undefined for one that is serving. */
function refusalOf(ending: IncomingHttpHeaders, body: Buffer): string | undefined {
  const code = ending['grpc-status'];
  if (code !== '0') return `the instance answered with gRPC status ${String(code ?? 'none')}`;
  const serving = servingStatusOf(body.subarray(prefixBytes));
  return serving === servingStatus ? undefined : `the instance answered with serving status ${serving}`;
}

function servingStatusOf(message: Uint8Array): number {
  const reader = Reader.create(message);
  let serving = 0;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === 8) serving = reader.int32();
    else reader.skipType(tag & 7);
  }
  return serving;
}
