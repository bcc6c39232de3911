/** How many registers there are at a time. */
export const registersAtOnce = 10;

/** Puts neighbours in number far apart in the key space, so that all regions get their share. */
function spread(number: number): string {
  return ((Math.imul(number + 1, 0x9e3779b1) >>> 16) & 0xffff).toString(16).padStart(4, '0');
}

/** What all registers of a generation begin with. */
export function registerPrefix(generation: number): string {
  return `r/${spread(generation)}-${generation}/`;
}

/** The key of a register. */
export function registerKey(generation: number, register: number): string {
  return `${registerPrefix(generation)}${register}`;
}

/** The registers of a generation. */
export function registerKeys(generation: number): string[] {
  return Array.from({ length: registersAtOnce }, (_, register) => registerKey(generation, register));
}

/** What all elements of a set begin with; its name in the history too. */
export function setPrefix(set: number): string {
  return `s/${spread(set)}-${set}/`;
}

/** The key whose presence says that an element is in a set. */
export function elementKey(set: number, element: number): string {
  return `${setPrefix(set)}${String(element).padStart(8, '0')}`;
}

/** The prefix and the element that a key belongs to; a key of another form is an element by itself. */
export function parseElementKey(key: string): { readonly prefix: string; readonly element: number | string } {
  const [, prefix, digits] = /^(s\/[0-9a-f]{4}-\d+\/)(\d{8})$/.exec(key) ?? [];
  return prefix === undefined ? { prefix: 's/', element: key } : { prefix, element: Number(digits) };
}

/** The end of the range of all keys with a prefix that is plain ASCII. */
export function endOfPrefix(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}
