import { ClientError, type MachineClient, RegionRefusalError } from '@flotilla/client';
import { unreachable } from '@flotilla/runtime';
import { BackendError } from '../backend/backend-error.ts';
import type { MachineCallOptions, MachineChannel } from './machine-channel.ts';

/** The way to the machine over a cluster's client. */
export class ClientChannel implements MachineChannel {
  readonly #client: MachineClient;
  readonly #onClose: () => Promise<void>;

  /** Owns the client; `onClose` ends what else the channel stands on. */
  constructor(client: MachineClient, onClose: () => Promise<void>) {
    this.#client = client;
    this.#onClose = onClose;
  }

  async call(payload: Uint8Array, { kind, signal, timeoutMs }: MachineCallOptions): Promise<Uint8Array> {
    const isRead = kind !== 'write';
    const readPreference = kind === 'anyReplicaRead' ? 'any' : 'leader';
    try {
      return await this.#client.call(payload, { isRead, readPreference, signal, timeoutMs });
    } catch (error) {
      throw backendErrorOf(error);
    }
  }

  async *subscribe(payload: Uint8Array, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const stream = this.#client.subscribe(payload, { signal });
    try {
      for (let piece = await stream.next(); piece !== undefined; piece = await stream.next()) yield piece;
    } catch (error) {
      if (!signal.aborted) throw backendErrorOf(error);
    } finally {
      stream.close();
    }
  }

  async close(): Promise<void> {
    await this.#client.close();
    await this.#onClose();
  }
}

/** What a failure of the client is to callers of the backend; anything else is passed on as it is. */
function backendErrorOf(cause: unknown): unknown {
  if (!(cause instanceof ClientError)) return cause;
  const { code, message } = cause;
  switch (code) {
    case 'invalidArgument':
    case 'cancelled':
    case 'outcomeUnknown':
    case 'unavailable':
    case 'closed':
      return new BackendError(code, message, { cause });
    case 'deadlineExceeded':
      return new BackendError('timeout', message, { cause });
    case 'regionError':
      return new BackendError(isDiskFull(cause) ? 'noSpace' : 'unavailable', message, { cause });
    case 'rejected':
    case 'batchIncomplete':
      return new BackendError('unavailable', message, { cause });
    default:
      return unreachable(code, 'client error');
  }
}

function isDiskFull(error: ClientError): boolean {
  return error instanceof RegionRefusalError && error.regionError.serverIsBusy?.reason === 'disk full';
}
