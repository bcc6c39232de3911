import { describe, expect, it } from 'vitest';
import {
  defaultServerConfig,
  defaultTransportConfig,
  resolveServerConfig,
  resolveTransportConfig,
  testServerConfig,
  testTransportConfig,
} from '../src/index.ts';

describe('server configuration', () => {
  it('completes, accepts and freezes the defaults and the test values', () => {
    expect(resolveServerConfig()).toEqual(defaultServerConfig);
    expect(resolveServerConfig(testServerConfig)).toEqual(testServerConfig);
    expect(Object.isFrozen(resolveServerConfig())).toBe(true);
  });

  it('names every violation at once', () => {
    const wrong = { maxScanPairs: 0, shutdownTimeoutMs: Number.NaN, maxRequestBytes: 10, maxMessageBytes: 5 };
    expect(() => resolveServerConfig(wrong)).toThrow(
      expect.objectContaining({
        code: 'invalidConfig',
        violations: [
          expect.stringMatching(/^maxScanPairs:/),
          expect.stringMatching(/^shutdownTimeoutMs:/),
          expect.stringMatching(/^maxRequestBytes:/),
          expect.stringMatching(/^maxMessageBytes:/),
        ],
      }),
    );
  });
});

describe('transport configuration', () => {
  it('completes, accepts and freezes the defaults and the test values', () => {
    expect(resolveTransportConfig()).toEqual(defaultTransportConfig);
    expect(resolveTransportConfig(testTransportConfig)).toEqual(testTransportConfig);
    expect(Object.isFrozen(resolveTransportConfig())).toBe(true);
  });

  it('names every violation at once', () => {
    expect(() => resolveTransportConfig({ maxQueuedMessages: 1.5, reconnectMaxMs: 1 })).toThrow(
      expect.objectContaining({
        violations: [expect.stringMatching(/^maxQueuedMessages:/), expect.stringMatching(/^reconnectMaxMs:/)],
      }),
    );
  });
});
