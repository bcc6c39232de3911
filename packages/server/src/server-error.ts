/**
 * Why a server cannot listen.
 *
 * - `addressInUse`: another process, or this one, listens there already.
 * - `addressNotAvailable`: this machine has no such address.
 * - `permissionDenied`: the process may not listen there.
 * - `invalidAddress`: the text is not `host:port`.
 * - `listenFailed`: anything else; see `cause`.
 * - `closed`: the server was closed before.
 */
export type ServerErrorCode =
  | 'addressInUse'
  | 'addressNotAvailable'
  | 'permissionDenied'
  | 'invalidAddress'
  | 'listenFailed'
  | 'closed';

/** A server that could not be started. */
export class ServerError extends Error {
  readonly code: ServerErrorCode;

  constructor(code: ServerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ServerError';
    this.code = code;
  }
}

/** Turns what listening on `address` failed with into a typed error. */
export function listenError(address: string, cause: unknown): ServerError {
  const text =
    cause instanceof Error ? `${(cause as NodeJS.ErrnoException).code ?? ''} ${cause.message}` : String(cause);
  if (text.includes('EADDRINUSE')) {
    return new ServerError('addressInUse', `cannot listen on ${address}: the address is in use`, { cause });
  }
  if (text.includes('EADDRNOTAVAIL') || text.includes('ENOTFOUND') || text.includes('Name resolution failed')) {
    return new ServerError('addressNotAvailable', `cannot listen on ${address}: no such address here`, { cause });
  }
  if (text.includes('EACCES') || text.includes('EPERM')) {
    return new ServerError('permissionDenied', `cannot listen on ${address}: permission denied`, { cause });
  }
  return new ServerError('listenFailed', `cannot listen on ${address}`, { cause });
}
