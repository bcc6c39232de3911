/** One import or re-export. */
export interface Import {
  readonly specifier: string;
  /** 1-based. */
  readonly line: number;
}

const pattern = /(?:\bfrom\s+|\bimport\s+|\bimport\()\s*'([^']+)'/g;

/** Every module that a source file names in a static or dynamic import or a re-export. */
export function importsOf(text: string): Import[] {
  return [...text.matchAll(pattern)].map((match) => ({
    specifier: match[1] ?? '',
    line: text.slice(0, match.index).split('\n').length,
  }));
}
