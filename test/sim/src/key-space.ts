/** How many registers there are at a time. */
const registersAtOnce = 5;

/** Puts neighbours in number far apart in the key space, so that all regions get their share. */
function spread(number: number): string {
  return ((Math.imul(number + 1, 0x9e3779b1) >>> 16) & 0xffff).toString(16).padStart(4, '0');
}

/** The registers of a generation. */
export function registerKeys(generation: number): string[] {
  return Array.from({ length: registersAtOnce }, (_, register) => {
    return `${spread(generation * registersAtOnce + register)}/r/${generation}/${register}`;
  });
}

/** A client's list. */
export function listKey(client: number, list: number): string {
  return `${spread(client * 100 + list)}/l/${client}/${list}`;
}

/** The key of one link of a client's chain: neighbours lie in different regions, where there are several. */
export function linkKey(client: number, chain: number, link: number): string {
  return `${spread(client * 1_000 + chain * 10 + link)}/c/${client}/${chain}/${link}`;
}

/** What the keys of all accounts of a client's bank begin with. */
export function bankPrefix(client: number, bank: number): string {
  return `${spread(client * 100 + bank + 50)}/b/${client}/${bank}/`;
}

/** What the keys of all elements of a set begin with. */
export function setPrefix(set: number): string {
  return `${spread(set)}/s/${set}/`;
}

/** A key that every region has, whatever its range: right behind its start. */
export function rivalKey(regionStart: Uint8Array, number: number): string {
  return `${Buffer.from(regionStart)}!rival ${number}`;
}

/** Whether a key was made by {@link rivalKey}; it may lie among the elements of a set, and is none. */
export function isRivalKey(key: Uint8Array): boolean {
  return Buffer.from(key).includes('!rival ');
}

/** The key whose presence says that an element is in a set. */
export function elementKey(set: string, element: string): string {
  return `${set}${element}`;
}

/** The element that a pair stands for; a value that is not the element's own shows as what it is. */
export function elementOf(key: Uint8Array, value: Uint8Array): string {
  const element = Buffer.from(key).toString().split('/').at(-1) ?? '';
  return bytesOf(element).equals(Buffer.from(value)) ? element : `${element} with the value ${textOf(value)}`;
}

/**
 * The value stored for an id: the id repeated, many sizes, so that regions grow and none with a part of another passes; for
 * the empty id nothing, which is a value too.
 */
export function bytesOf(id: string): Buffer {
  if (id === '') return Buffer.alloc(0);
  let hash = 0;
  for (let at = 0; at < id.length; at += 1) hash = Math.imul(hash ^ id.charCodeAt(at), 0x9e3779b1);
  return Buffer.from(`${id}|`.repeat(1 + ((hash >>> 0) % 40)));
}

/** The id that a value was made of; null for no value; a value that was made of none shows as it is. */
export function textOf(value: Uint8Array | undefined): string | null {
  if (value === undefined) return null;
  if (value.length === 0) return '';
  const text = Buffer.from(value).toString();
  const id = text.slice(0, Math.max(0, text.indexOf('|')));
  return id !== '' && bytesOf(id).equals(Buffer.from(value)) ? id : `damaged value ${JSON.stringify(text)}`;
}
