import type { Lock } from './lock.ts';
import { SessionHold, type SessionHoldOptions } from './session-hold.ts';

/** A lock on a key of its own. */
export class HeldLock extends SessionHold implements Lock {
  readonly key: string;

  /** @param key The name it was acquired by. */
  constructor(key: string, options: SessionHoldOptions) {
    super(options);
    this.key = key;
  }
}
