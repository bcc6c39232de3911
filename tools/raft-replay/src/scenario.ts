/** An argument of a directive: a bare key has no values. */
export interface Argument {
  readonly key: string;
  readonly values: readonly string[];
}

/** One case of a scenario file: a command, its input, and what it must print. */
export interface ScenarioCase {
  /** One-based line of the directive. */
  readonly line: number;
  readonly command: string;
  readonly args: readonly Argument[];
  /** The input, trimmed. */
  readonly input: string;
  /** The expected output, ending with a newline unless empty. */
  readonly expected: string;
}

/** A scenario file that cannot be read. */
export class ScenarioSyntaxError extends Error {
  readonly code = 'scenarioSyntax';

  constructor(line: number, problem: string) {
    super(`line ${line}: ${problem}`);
    this.name = 'ScenarioSyntaxError';
  }
}

const separator = '----';

/**
 * Reads a scenario file. Directives of `subtest` markers are left out.
 *
 * @throws {ScenarioSyntaxError}
 */
export function parseScenario(text: string): readonly ScenarioCase[] {
  return new ScenarioReader(text).read();
}

class ScenarioReader {
  readonly #lines: readonly string[];
  #at = 0;

  constructor(text: string) {
    const lines = text.split('\n');
    // What follows the final newline is no line.
    if (lines.at(-1) === '') lines.pop();
    this.#lines = lines;
  }

  read(): readonly ScenarioCase[] {
    const cases: ScenarioCase[] = [];
    while (this.#at < this.#lines.length) {
      const start = this.#lines[this.#at]!.trim();
      if (start === '' || start.startsWith('#')) {
        this.#at += 1;
        continue;
      }
      const line = this.#at + 1;
      const directive = this.#readDirective();
      const { command, args } = parseDirective(directive, line);
      if (command === 'subtest') continue;
      const input = this.#readInput(line);
      cases.push({ line, command, args, input, expected: this.#readExpected() });
    }
    return cases;
  }

  #readDirective(): string {
    let directive = this.#lines[this.#at++]!.trim();
    while (directive.endsWith('\\') && this.#at < this.#lines.length) {
      directive = `${directive.slice(0, -1)} ${this.#lines[this.#at++]!.trim()}`;
    }
    return directive;
  }

  #readInput(line: number): string {
    const input: string[] = [];
    while (this.#at < this.#lines.length) {
      const text = this.#lines[this.#at++]!;
      if (text === separator) return input.join('\n').trim();
      input.push(text);
    }
    throw new ScenarioSyntaxError(line, `no ${separator} follows the directive`);
  }

  #readExpected(): string {
    const isDouble = this.#lines[this.#at] === separator;
    if (isDouble) this.#at += 1;
    const expected: string[] = [];
    while (this.#at < this.#lines.length) {
      const text = this.#lines[this.#at]!;
      if (isDouble && text === separator && this.#lines[this.#at + 1] === separator) {
        this.#at += 2;
        break;
      }
      if (!isDouble && text.trim() === '') break;
      expected.push(text);
      this.#at += 1;
    }
    return expected.length === 0 ? '' : `${expected.join('\n')}\n`;
  }
}

/** Cuts a directive into its command and arguments. */
function parseDirective(
  directive: string,
  line: number,
): { readonly command: string; readonly args: readonly Argument[] } {
  let rest = directive;
  const word = /^[^\s=]+/.exec(rest)?.[0];
  if (word === undefined) throw new ScenarioSyntaxError(line, 'a directive begins with a command word');
  rest = rest.slice(word.length).trimStart();
  const args: Argument[] = [];
  while (rest !== '') {
    const key = /^[^\s=]+/.exec(rest)?.[0];
    if (key === undefined) throw new ScenarioSyntaxError(line, `no argument can begin with ${rest}`);
    rest = rest.slice(key.length);
    if (!rest.startsWith('=')) {
      args.push({ key, values: [] });
      rest = rest.trimStart();
      continue;
    }
    rest = rest.slice(1);
    const taken = rest.startsWith('(') ? takeList(rest, line) : takeValue(rest);
    args.push({ key, values: taken.values });
    rest = rest.slice(taken.length).trimStart();
  }
  return { command: word, args };
}

interface Taken {
  readonly values: readonly string[];
  readonly length: number;
}

function takeValue(text: string): Taken {
  const value = /^\S*/.exec(text)![0];
  return { values: [value], length: value.length };
}

/** A list in parentheses, cut at its own commas; parentheses within stay part of a value. */
function takeList(text: string, line: number): Taken {
  const values: string[] = [];
  let depth = 0;
  let start = 1;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if ((character === ',' && depth === 1) || depth === 0) {
      values.push(text.slice(start, at).trimStart());
      start = at + 1;
    }
    if (depth === 0) return { values: values.length === 1 && values[0] === '' ? [] : values, length: at + 1 };
  }
  throw new ScenarioSyntaxError(line, 'a list is not closed');
}
