import type { Clock } from '@flotilla/runtime';
import type { ConfigCenter, ConfigCenterOptions, CoordinationBackend } from '../../src/index.ts';

/** A backend to test over, empty below `keyPrefix`. */
export interface ConfigCenterFixture {
  readonly backend: CoordinationBackend;
  readonly clock: Clock;
  readonly keyPrefix: string;
  /** Moves the wall clock on, so that two writes do not share a time. */
  readonly passTime: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Opens a configuration centre over the test's backend. */
export type CenterOf = (options?: Partial<Omit<ConfigCenterOptions, 'backend' | 'clock'>>) => ConfigCenter;
