/** How fresh a call is, and whether it may be repeated. */
export type MachineCallKind =
  /** Goes through the log. Once it may have been sent it is not sent again. */
  | 'write'
  /** Answered by the region's leader after a quorum has confirmed it, and repeated as needed. */
  | 'read'
  /** Answered by any replica from what it has. */
  | 'anyReplicaRead';

/** What a call of the machine takes. */
export interface MachineCallOptions {
  readonly kind: MachineCallKind;
  readonly signal?: AbortSignal | undefined;
  /** The whole time of the call, in milliseconds. */
  readonly timeoutMs: number;
}

/** The way to the coordination machine: over the client of a cluster, or straight to a machine in tests. */
export interface MachineChannel {
  /**
   * Sends a call and resolves with the machine's answer, a refusal being one. Rejects with a `BackendError`: `unavailable` or
   * `timeout` when it certainly took no effect, `outcomeUnknown` for a write of which nobody knows, `cancelled`, `closed`, or what
   * keeps this caller out.
   */
  call(payload: Uint8Array, options: MachineCallOptions): Promise<Uint8Array>;
  /**
   * Opens a subscription; the iteration throws a `BackendError`, `unavailable` when the connection is lost or no replica serves
   * it, and ends without one when the signal aborts or the replica ends it. Nothing is read ahead but for what transport needs.
   */
  subscribe(payload: Uint8Array, signal: AbortSignal): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}
