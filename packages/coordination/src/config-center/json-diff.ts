/** A difference between two JSON values. */
export interface JsonChange {
  /** Where, as a JSON pointer: `/limits/0/max`; empty for the whole. Source: RFC 6901. */
  readonly path: string;
  readonly type: 'added' | 'removed' | 'changed';
  readonly before: unknown;
  readonly after: unknown;
}

/** The differences between two values as parsed from JSON, in the order of `before`, then what was added. */
export function jsonDiff(before: unknown, after: unknown, path = ''): JsonChange[] {
  if (Object.is(before, after)) return [];
  const isContainer = isObject(before) && isObject(after) && Array.isArray(before) === Array.isArray(after);
  if (!isContainer) return [{ path, type: 'changed', before, after }];
  const changes: JsonChange[] = [];
  for (const [name, value] of Object.entries(before)) {
    const inner = `${path}/${escapePointer(name)}`;
    if (Object.hasOwn(after, name)) changes.push(...jsonDiff(value, after[name], inner));
    else changes.push({ path: inner, type: 'removed', before: value, after: undefined });
  }
  for (const [name, value] of Object.entries(after)) {
    if (Object.hasOwn(before, name)) continue;
    changes.push({ path: `${path}/${escapePointer(name)}`, type: 'added', before: undefined, after: value });
  }
  return changes;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
