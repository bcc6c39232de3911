import type { ConfigVersion } from './config-value.ts';
import { type JsonChange, jsonDiff } from './json-diff.ts';
import { type LineChange, lineDiff } from './line-diff.ts';

/** What changed between two versions of a key. */
export interface ConfigDiff {
  readonly from: ConfigVersion;
  readonly to: ConfigVersion;
  /** Line by line; a deletion has no lines. */
  readonly lines: readonly LineChange[];
  /** Field by field, where both are JSON; empty for the same JSON written in another way. */
  readonly json: readonly JsonChange[] | undefined;
}

/** Compares two versions. */
export function diffVersions(from: ConfigVersion, to: ConfigVersion): ConfigDiff {
  const [before, after] = [parse(from.value), parse(to.value)];
  const json = before === undefined || after === undefined ? undefined : jsonDiff(before.parsed, after.parsed);
  return { from, to, lines: linesBetween(from.value, to.value), json };
}

function linesBetween(before: string | undefined, after: string | undefined): LineChange[] {
  if (before !== undefined && after !== undefined) return lineDiff(before, after);
  const type = before === undefined ? 'added' : 'removed';
  return (before ?? after)?.split('\n').map((line) => ({ type, line })) ?? [];
}

function parse(text: string | undefined): { readonly parsed: unknown } | undefined {
  if (text === undefined) return undefined;
  try {
    return { parsed: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
