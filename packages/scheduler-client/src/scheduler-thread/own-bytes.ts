/**
 * A copy of a message whose byte fields own their whole buffers. A Buffer is often a window on a pool that it shares with
 * others, and structured clone copies the whole pool.
 */
export function withOwnBytes<Message>(message: Message): Message {
  return copyOf(message) as Message;
}

function copyOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map(copyOf);
  const copy: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) copy[name] = copyOf(field);
  return copy;
}
