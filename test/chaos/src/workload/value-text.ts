/** The fewest and the most bytes of a value, roughly. */
const sizes = { least: 40, span: 400 };

/**
 * The value that is stored for an id: the id, and so much of its repetition that values are of many sizes and one with a part
 * of another does not pass for either.
 */
export function bytesOf(id: string): Buffer {
  let hash = 0;
  for (let position = 0; position < id.length; position += 1)
    hash = Math.imul(hash ^ id.charCodeAt(position), 0x9e3779b1);
  const length = sizes.least + ((hash >>> 0) % sizes.span);
  return Buffer.from(`${id}|`.repeat(Math.ceil(length / (id.length + 1))));
}

/** The id that a value was made of; a value that was not is told as it is, and so matches nothing that was written. */
export function idOf(value: Uint8Array): string {
  const text = Buffer.from(value).toString();
  const id = text.slice(0, text.indexOf('|'));
  return text.includes('|') && bytesOf(id).equals(Buffer.from(value)) ? id : `damaged value ${JSON.stringify(text)}`;
}
