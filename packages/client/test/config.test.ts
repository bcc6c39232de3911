import { expect, it } from 'vitest';
import { defaultRawClientConfig, resolveRawClientConfig, testRawClientConfig } from '../src/index.ts';

it('completes, accepts and freezes the defaults and the test values', () => {
  expect(resolveRawClientConfig()).toEqual(defaultRawClientConfig);
  expect(resolveRawClientConfig(testRawClientConfig)).toEqual(testRawClientConfig);
  expect(Object.isFrozen(resolveRawClientConfig())).toBe(true);
});

it('names every violation at once', () => {
  const wrong = {
    maxKeyBytes: 0,
    retryInitialMs: 10,
    retryMaxMs: 5,
    retryUnknownWrites: 'yes' as never,
    readPreference: 'nearest' as never,
    keyPrefix: 'ä',
  };
  expect(() => resolveRawClientConfig(wrong)).toThrow(
    expect.objectContaining({
      code: 'invalidConfig',
      violations: [
        expect.stringMatching(/^maxKeyBytes:/),
        expect.stringMatching(/^retryUnknownWrites:/),
        expect.stringMatching(/^readPreference:/),
        expect.stringMatching(/^keyPrefix:/),
        expect.stringMatching(/^retryMaxMs:/),
      ],
    }),
  );
});
