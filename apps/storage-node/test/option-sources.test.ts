import { configFromSources, type OptionSources, OptionsError } from '@flotilla/program';
import { expect, test } from 'vitest';
import { storageNodeProgram } from '../src/storage-node-program.ts';

function linesOf(sources: OptionSources): readonly string[] {
  try {
    configFromSources(storageNodeProgram, sources);
  } catch (error) {
    if (error instanceof OptionsError) return error.lines;
    throw error;
  }
  return [];
}

test('flags win over the environment, the environment over the file, the file over the defaults', () => {
  const config = configFromSources(storageNodeProgram, {
    flags: { dataDir: '/flag' },
    environment: { FLOTILLA_DATA_DIR: '/environment', FLOTILLA_LOG_LEVEL: 'debug', FLOTILLA_HTTP: '' },
    file: { path: 'node.json', content: '{"dataDir":"/file","logLevel":"warn","tickIntervalMs":50}' },
  });
  expect(config).toMatchObject({
    dataDir: '/flag',
    logLevel: 'debug',
    tickIntervalMs: 50,
    http: '127.0.0.1:7411',
  });
});

test('names option, value and source of every violation', () => {
  const sources = {
    flags: { listen: 'nowhere' },
    environment: { FLOTILLA_TICK_INTERVAL_MS: 'soon' },
    file: { path: 'node.json', content: '{"dataDri":"/x","electionTicks":"10"}' },
  };
  expect(linesOf(sources)).toEqual([
    '--listen is "nowhere": expected host:port with a port from 0 to 65535',
    'environment variable FLOTILLA_TICK_INTERVAL_MS is "soon": expected a number',
    'electionTicks in node.json is "10": expected a number',
    'dataDri in node.json: there is no such option',
  ]);
});

test.each([
  ['{', /^node\.json: not valid JSON: /],
  ['[]', /^node\.json: expected one JSON object of options$/],
])('refuses the file %s', (content, message) => {
  const lines = linesOf({ flags: { logLevel: 'loud' }, environment: {}, file: { path: 'node.json', content } });
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(message);
  expect(lines[1]).toBe('--log-level is "loud": expected one of trace, debug, info, warn, error, fatal');
});
