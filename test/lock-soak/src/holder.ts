import { createSystemRuntime, type Runtime, silentLogger } from '@flotilla/runtime';
import { type AcquiredLock, type ContendedLock, openContendedLock } from './contended-lock.ts';
import type { HolderMessage, HolderTask, SoakMessage } from './message.ts';

// A process that acquires the lock, uses the file for a while, releases the lock, and begins again.

type Answer = SoakMessage & { readonly type: 'answer' };

const stopping = new AbortController();
const waiting = new Map<number, (answer: Answer) => void>();
let uses = 0;

process.on('message', (message: SoakMessage) => {
  switch (message.type) {
    case 'start':
      void run(message.task);
      break;
    case 'answer':
      waiting.get(message.id)?.(message);
      waiting.delete(message.id);
      break;
    case 'stop':
      stopping.abort();
      break;
  }
});
process.on('disconnect', () => process.exit(0));
tell({ type: 'ready' });

function tell(message: HolderMessage): void {
  process.send?.(message);
}

async function run(task: HolderTask): Promise<void> {
  const runtime = createSystemRuntime({ logger: silentLogger, seed: task.seed });
  let lock: ContendedLock | undefined;
  while (!stopping.signal.aborted) {
    try {
      lock ??= await openContendedLock(task, runtime);
      await hold(lock, runtime);
    } catch (error) {
      if (stopping.signal.aborted) break;
      tell({ type: 'failed', message: String(error) });
      await runtime.timers.sleep(100);
    }
  }
  await lock?.close();
  process.exit(0);
}

async function hold(contended: ContendedLock, runtime: Runtime): Promise<void> {
  const lock = await contended.acquire(stopping.signal);
  tell({ type: 'acquired', token: lock.token });
  let { value } = await use(lock, undefined);
  const writes = 2 + runtime.random.integer(0, 12);
  for (let write = 0; write < writes && !stopping.signal.aborted; write += 1) {
    await runtime.timers.sleep(20 + runtime.random.integer(0, 40));
    const isHeld = lock.isHeld;
    if (!isHeld) tell({ type: 'lost' });
    // Writes all the same, as one would that was paused between the question and the write: the fence is there for that.
    const answer = await use(lock, value);
    if (!isHeld || !answer.isAdmitted) break;
    value = answer.value;
  }
  await lock.release().catch((error) => tell({ type: 'failed', message: `release: ${String(error)}` }));
  tell({ type: 'released' });
}

async function use(lock: AcquiredLock, base: number | undefined): Promise<Answer> {
  uses += 1;
  const id = uses;
  const answer = await new Promise<Answer>((resolve) => {
    waiting.set(id, resolve);
    tell({ type: 'use', id, token: lock.token, base });
  });
  if (!answer.isAdmitted) tell({ type: 'refused', believed: lock.isHeld });
  return answer;
}
