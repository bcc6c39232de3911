import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSystemTimers } from '@flotilla/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type GuardedCommand, runGuarded } from '../../src/coordination/guarded-command.ts';

const timers = createSystemTimers({ unref: false });
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'flotilla-guarded-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

const file = (name: string): string => join(directory, name);

/** Runs a script of the shell under guard; its files are in the test's directory. */
function guarded(script: string, options: Partial<GuardedCommand> = {}) {
  const lost = new AbortController();
  const handlers: ((signal: NodeJS.Signals) => void)[] = [];
  const ended = runGuarded({
    command: 'sh',
    args: ['-c', `cd ${directory}\n${script}`],
    environment: {},
    lost: lost.signal,
    isHeld: () => !lost.signal.aborted,
    killAfterMs: 60_000,
    timers,
    takeSignals: (handler) => {
      handlers.push(handler);
      return () => handlers.splice(0);
    },
    ...options,
  });
  return { ended, lost, signal: (signal: NodeJS.Signals) => handlers.at(-1)?.(signal), handlers };
}

/** Waits until a script has written a file. */
async function written(name: string): Promise<string> {
  while (!existsSync(file(name)) || readFileSync(file(name), 'utf8') === '') await timers.sleep(5);
  return readFileSync(file(name), 'utf8').trim();
}

/** Whether a process is there and no zombie. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

test('the exit code is the command’s, and it finds what it is told in its environment', async () => {
  const { ended, handlers } = guarded('echo "$FLOTILLA_LOCK_KEY $FLOTILLA_FENCING_TOKEN $HOME" > seen; exit 7', {
    environment: { FLOTILLA_LOCK_KEY: 'nightly', FLOTILLA_FENCING_TOKEN: '42' },
  });
  expect(await ended).toBe(7);
  expect(await written('seen')).toBe(`nightly 42 ${process.env['HOME'] ?? ''}`.trim());
  expect(handlers).toEqual([]);
});

test('a command that a signal ended has 128 and the signal’s number', async () => {
  expect(await guarded('kill -KILL $$').ended).toBe(137);
});

test('a command that is not there, or cannot be run, has the codes of a shell', async () => {
  await expect(guarded('', { command: 'no-such-command-anywhere' }).ended).rejects.toMatchObject({ exitCode: 127 });
  writeFileSync(file('data'), 'no program');
  chmodSync(file('data'), 0o644);
  await expect(guarded('', { command: file('data') }).ended).rejects.toMatchObject({ exitCode: 126 });
});

test('when the lock is lost, the command and what it started are asked to end', async () => {
  const { ended, lost } = guarded('trap "echo asked > asked; exit 0" TERM\nsleep 1000 &\necho $! > child\nwait');
  const child = Number(await written('child'));
  // Until it has become what it is, it still has the shell's trap.
  while (readFileSync(`/proc/${child}/comm`, 'utf8') !== 'sleep\n') await timers.sleep(5);
  lost.abort();
  expect(await ended).toBe(76);
  expect(await written('asked')).toBe('asked');
  expect(isRunning(child)).toBe(false);
});

test('what does not end when asked is ended', async () => {
  const { ended, lost } = guarded('trap "" TERM\n(trap "" TERM; exec sleep 1000) &\necho $! > child\nwait', {
    killAfterMs: 100,
  });
  const child = Number(await written('child'));
  lost.abort();
  expect(await ended).toBe(76);
  while (isRunning(child)) await timers.sleep(5);
});

test('a lock that was lost before the command was started ends it as well', async () => {
  const lost = AbortSignal.abort();
  expect(await guarded('sleep 1000', { lost, isHeld: () => false }).ended).toBe(76);
});

test('signals reach the command, which decides what becomes of them', async () => {
  const { ended, signal } = guarded(
    'trap "echo int >> seen" INT\ntrap "echo term >> seen; exit 3" TERM\necho up > up\nwhile :; do sleep 0.01; done',
  );
  await written('up');
  signal('SIGINT');
  expect(await written('seen')).toBe('int');
  signal('SIGTERM');
  expect(await ended).toBe(3);
  expect(await written('seen')).toBe('int\nterm');
});

test('a stopped command goes on with its holder only while the lock is held', async () => {
  let isHeld = true;
  const { ended, signal, lost } = guarded('echo $$ > pid\nexec sleep 1000', { isHeld: () => isHeld });
  const pid = Number(await written('pid'));
  const state = (): string => /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
  const stop = async (): Promise<void> => {
    process.kill(-pid, 'SIGSTOP');
    while (state() !== 'T') await timers.sleep(5);
  };
  await stop();
  signal('SIGCONT');
  while (state() === 'T') await timers.sleep(5);
  await stop();
  isHeld = false;
  signal('SIGCONT');
  expect(state()).toBe('T');
  lost.abort();
  expect(await ended).toBe(76);
});

test('a signal that comes while the command is being started reaches it', async () => {
  const { ended, signal } = guarded('exec sleep 1000');
  signal('SIGTERM');
  expect(await ended).toBe(143);
});
