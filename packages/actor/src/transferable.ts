/**
 * A copy of `bytes` that owns its whole buffer, and so may be transferred to another thread or cloned at its own size.
 *
 * A Buffer is often a window on a pool that it shares with others: transferring it would take their bytes away, and
 * cloning it copies the whole pool.
 */
export function toTransferable(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
