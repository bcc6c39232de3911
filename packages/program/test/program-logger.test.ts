import { expect, test } from 'vitest';
import { createProgramLogger, type LogOptions, showsColour } from '../src/program-logger.ts';

test.each([
  ['auto', true, /started/],
  ['auto', false, /^\{"level":30,.*"msg":"started"\}\n$/],
  ['pretty', false, /^\[.* INFO: started\n$/],
  ['json', true, /^\{"level":30,/],
] as const)('writes %s lines, on a terminal: %s', (logFormat, isTerminal, line) => {
  const lines: string[] = [];
  const options: LogOptions = { logLevel: 'info', logFormat };
  const destination = { write: (text: string) => lines.push(text) };
  const logger = createProgramLogger(options, { isTerminal, showsColour: false, destination });
  logger.debug('hidden');
  logger.info('started');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(line);
  expect(lines[0]?.startsWith('{')).toBe(logFormat === 'json' || (logFormat === 'auto' && !isTerminal));
});

test.each([
  [true, {}, true],
  [true, { TERM: 'dumb' }, false],
  [true, { NO_COLOR: '1' }, false],
  [true, { NO_COLOR: '' }, true],
  [false, {}, false],
  [false, { FORCE_COLOR: '1', TERM: 'dumb' }, true],
  [false, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
] as const)('on a terminal: %s, with %j, shows colours: %s', (isTerminal, environment, shown) => {
  expect(showsColour(isTerminal, environment)).toBe(shown);
});
