import { expect, test } from 'vitest';
import { configFromSources, type OptionSources, type OptionsError } from '../src/option-sources.ts';
import { echoProgram } from './readme-example.ts';

function linesOf(sources: OptionSources): readonly string[] {
  try {
    configFromSources(echoProgram, sources);
  } catch (error) {
    expect((error as Error).name).toBe('OptionsError');
    return (error as OptionsError).lines;
  }
  return [];
}

test('names option, value and source of every violation', () => {
  const lines = linesOf({
    flags: { listen: 'nowhere' },
    environment: { FLOTILLA_ECHO_KEEP_MS: 'long' },
    file: { path: 'echo.json', content: '{"kepMs":1}' },
  });
  expect(lines).toEqual([
    '--listen is "nowhere": expected host:port with a port from 0 to 65535',
    'environment variable FLOTILLA_ECHO_KEEP_MS is "long": expected a number',
    'kepMs in echo.json: there is no such option',
  ]);
});

test('refuses a bad file even when the other sources are good', () => {
  const sources = { flags: { keepMs: '7' }, environment: {}, file: { path: 'echo.json', content: '7' } };
  expect(linesOf(sources)).toEqual(['echo.json: expected one JSON object of options']);
});

test('passes on what is no violation', () => {
  const failing = {
    ...echoProgram,
    resolve: () => {
      throw new TypeError('a fault of the program');
    },
  };
  expect(() => configFromSources(failing, { flags: {}, environment: {} })).toThrow(TypeError);
});
