/** Orders byte strings as every engine does: byte by byte, unsigned, a prefix first. */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  return Buffer.compare(left, right);
}

/** The first key after all keys that begin with `prefix`; empty when there is none, that is, for all-0xff prefixes. */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length -= 1;
  const end = prefix.slice(0, length);
  if (length > 0) end[length - 1] = (end[length - 1] as number) + 1;
  return end;
}

/** Whether a range has an end; a missing or empty one is the end of the key space. */
export function hasEnd(end: Uint8Array | undefined): end is Uint8Array {
  return end !== undefined && end.length > 0;
}
