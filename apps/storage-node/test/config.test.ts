import { expect, test } from 'vitest';
import {
  defaultStorageNodeConfig,
  resolveStorageNodeConfig,
  StorageNodeConfigError,
  storageNodeSchema,
  testStorageNodeConfig,
} from '../src/config.ts';
import { nodeOptions } from '../src/option.ts';

function violationsOf(partial: Record<string, unknown>): string[] {
  try {
    resolveStorageNodeConfig(partial);
  } catch (error) {
    if (error instanceof StorageNodeConfigError)
      return error.violations.map(({ option, reason }) => `${option} ${reason}`);
    throw error;
  }
  return [];
}

test('completes with defaults that are valid, and freezes', () => {
  expect(resolveStorageNodeConfig()).toEqual(defaultStorageNodeConfig);
  expect(resolveStorageNodeConfig({ ...testStorageNodeConfig })).toEqual(testStorageNodeConfig);
  expect(Object.isFrozen(resolveStorageNodeConfig())).toBe(true);
});

test('every setting can be set by people', () => {
  expect(nodeOptions.map(({ key }) => key).sort()).toEqual(Object.keys(storageNodeSchema.shape).sort());
});

test('names every violation at once', () => {
  expect(
    violationsOf({ dataDir: '', listen: '7410', http: 'localhost:99999', electionTicks: 1.5, colour: 'red' }),
  ).toEqual([
    'dataDir expected a path',
    'listen expected host:port with a port from 0 to 65535',
    'http expected host:port with a port from 0 to 65535',
    'electionTicks expected a whole number from 2 to 1000',
    'colour there is no such option',
  ]);
});

test.each([
  [{ electionTicks: 5, heartbeatTicks: 5 }, 'electionTicks must be more than heartbeatTicks, which is 5'],
  [{ logGcThreshold: 10, logGcMaxEntries: 9 }, 'logGcMaxEntries must be at least logGcThreshold, which is 10'],
  [{ listen: '0.0.0.0:7410' }, 'advertise is needed when listen is 0.0.0.0:7410: other stores cannot dial that'],
  [{ listen: '[::]:7410' }, 'advertise is needed when listen is [::]:7410: other stores cannot dial that'],
  [{ http: '127.0.0.1:7410' }, 'http is the same address as listen'],
  [{ schedulerListen: '127.0.0.1:7411' }, 'schedulerListen is the same address as http'],
  [
    { scheduler: '127.0.0.1:7400', maxPeerCount: 5 },
    'maxPeerCount belongs to the scheduler inside the node; scheduler names another',
  ],
  [{ scheduler: 'localhost:0' }, 'scheduler expected host:port with a port from 1 to 65535'],
])('refuses %j', (partial, violation) => {
  expect(violationsOf(partial)).toEqual([violation]);
});

test('allows what belongs together', () => {
  expect(violationsOf({ listen: '0.0.0.0:7410', advertise: 'store-1.example:7410', scheduler: '[::1]:7400' })).toEqual(
    [],
  );
  expect(violationsOf({ listen: '127.0.0.1:0', http: '127.0.0.1:0', schedulerListen: '127.0.0.1:0' })).toEqual([]);
});
