import { bytesFromText, describeEncoding, type TextEncoding, utf8FromBytes } from '../text-encoding.ts';
import { unescapeTsvField } from '../tsv-field.ts';

/** The formats that `load` reads. */
export type LoadFormat = 'ndjson' | 'tsv';

/** The largest key and value that a cluster takes, in bytes. */
export interface RecordLimits {
  readonly maxKeyBytes: number;
  readonly maxValueBytes: number;
}

/** What a line holds: a record, nothing (a blank line), or why it is no record. */
export type RecordLine =
  | { readonly type: 'record'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'blank' }
  | { readonly type: 'malformed'; readonly reason: string };

/** Reads one line as a record of `format`; `limits` are checked here so that nothing is sent that would be refused. */
export function parseRecordLine(
  line: Uint8Array,
  format: LoadFormat,
  encoding: TextEncoding,
  limits: RecordLimits,
): RecordLine {
  if (isBlankLine(line)) return { type: 'blank' };
  const parsed = format === 'ndjson' ? parseJson(line, encoding) : parseTsv(line, encoding);
  if (parsed.type !== 'record') return parsed;
  if (parsed.key.length === 0) return malformed('key is empty');
  if (parsed.key.length > limits.maxKeyBytes) return malformed(tooLarge('key', parsed.key.length, limits.maxKeyBytes));
  if (parsed.value.length > limits.maxValueBytes) {
    return malformed(tooLarge('value', parsed.value.length, limits.maxValueBytes));
  }
  return parsed;
}

/** Whether a line holds nothing but spaces. */
export function isBlankLine(line: Uint8Array): boolean {
  return line.every((byte) => byte === 0x20);
}

/** How a key or value over its limit is reported everywhere. */
export function tooLarge(field: 'key' | 'value', length: number, limit: number): string {
  return `${field} has ${length} bytes; the limit is ${limit}`;
}

/** The format that a file's name or first bytes suggest. */
export function detectFormat(path: string, firstBytes: Uint8Array): LoadFormat {
  if (/\.(ndjson|jsonl|json)$/i.test(path)) return 'ndjson';
  if (/\.(tsv|tab)$/i.test(path)) return 'tsv';
  const text = Buffer.from(firstBytes)
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart();
  return text.startsWith('{') ? 'ndjson' : 'tsv';
}

function malformed(reason: string): RecordLine {
  return { type: 'malformed', reason };
}

const jsonFields = new Set(['key', 'value', 'encoding']);

function parseJson(line: Uint8Array, encoding: TextEncoding): RecordLine {
  const text = utf8FromBytes(line);
  if (text === undefined) return malformed('not valid UTF-8');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return malformed('not valid JSON');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return malformed(`expected an object with "key" and "value", got ${shapeOf(parsed)}`);
  }
  const fields = parsed as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(fields).find((name) => !jsonFields.has(name));
  if (unknown !== undefined) return malformed(`unknown field ${JSON.stringify(unknown.slice(0, 40))}`);
  const own = fields['encoding'] ?? encoding;
  if (own !== 'utf8' && own !== 'hex' && own !== 'base64') {
    return malformed('"encoding" must be "utf8", "hex" or "base64"');
  }
  return fromTexts(fields['key'], fields['value'], own);
}

function fromTexts(keyText: unknown, valueText: unknown, encoding: TextEncoding): RecordLine {
  if (typeof keyText !== 'string') return malformed(`"key" must be a string, got ${shapeOf(keyText)}`);
  if (typeof valueText !== 'string') return malformed(`"value" must be a string, got ${shapeOf(valueText)}`);
  const key = bytesFromText(keyText, encoding);
  if (key === undefined) return malformed(`"key" is not ${describeEncoding(encoding)}`);
  const value = bytesFromText(valueText, encoding);
  if (value === undefined) return malformed(`"value" is not ${describeEncoding(encoding)}`);
  return { type: 'record', key, value };
}

const tab = 0x09;

function parseTsv(line: Uint8Array, encoding: TextEncoding): RecordLine {
  const separator = line.indexOf(tab);
  if (separator === -1) return malformed('expected two columns separated by a tab, got one');
  if (line.indexOf(tab, separator + 1) !== -1) {
    return malformed('expected two columns separated by a tab, got more (write a tab inside a value as \\t)');
  }
  const key = line.subarray(0, separator);
  const value = line.subarray(separator + 1);
  if (encoding !== 'utf8') {
    return fromTexts(Buffer.from(key).toString('latin1'), Buffer.from(value).toString('latin1'), encoding);
  }
  const keyBytes = unescapeTsvField(key);
  const valueBytes = unescapeTsvField(value);
  if (keyBytes === undefined || valueBytes === undefined) {
    return malformed('a backslash must be followed by t, n, r or another backslash');
  }
  return { type: 'record', key: keyBytes, value: valueBytes };
}

function shapeOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
