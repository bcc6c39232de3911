import { afterEach, describe, test } from 'vitest';
import { coordinationCompliance } from '../../src/compliance-suite.ts';
import type { CoordinationBackend } from '../../src/index.ts';

/** Where the suite runs. */
export interface ComplianceStore {
  open(): CoordinationBackend | Promise<CoordinationBackend>;
}

/** Runs the whole suite on one store that lives by the clock of this process; backends are closed after each case. */
export function runCompliance(store: () => ComplianceStore): void {
  const opened: CoordinationBackend[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((backend) => backend.close()));
  });
  const harness = {
    open: async () => {
      const backend = await store().open();
      opened.push(backend);
      return backend;
    },
    sleep: (milliseconds: number, signal?: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        const timer = setTimeout(resolve, milliseconds);
        signal?.addEventListener('abort', () => {
          clearTimeout(timer);
          reject(signal.reason);
        });
      }),
  };
  for (const [part, cases] of Object.entries(coordinationCompliance)) {
    describe(part, () => {
      for (const each of cases) test(each.name, () => each.run(harness));
    });
  }
}
