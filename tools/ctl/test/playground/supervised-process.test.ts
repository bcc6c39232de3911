import { SimulatedWorld } from '@flotilla/runtime';
import { afterEach, expect, test } from 'vitest';
import type { ProcessPlan } from '../../src/playground/plan.ts';
import { type ProcessExit, SupervisedProcess } from '../../src/playground/supervised-process.ts';

const running: SupervisedProcess[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill();
});

/** A supervised program in virtual time; what it writes and what is said of it can be waited for. */
function supervise(program: string) {
  const world = new SimulatedWorld(1);
  const { clock, timers } = world.createRuntime('playground');
  const texts: string[] = [];
  const waiters: { readonly pattern: RegExp; readonly resolve: () => void }[] = [];
  const hear = (text: string): void => {
    texts.push(text);
    for (const waiter of waiters) if (waiter.pattern.test(text)) waiter.resolve();
  };
  const heard = (pattern: RegExp): Promise<void> =>
    new Promise((resolve) => {
      waiters.push({ pattern, resolve });
      if (texts.some((text) => pattern.test(text))) resolve();
    });
  const refusals: ProcessExit[] = [];
  const plan: ProcessPlan = {
    name: 'child',
    args: ['-e', program],
    commandLine: '',
    readyUrl: '',
    address: '',
    ports: [],
  };
  const child = new SupervisedProcess(plan, {
    clock,
    timers,
    write: hear,
    prefix: 'child │ ',
    showsColour: false,
    note: hear,
    onRestarted: () => hear('started again'),
    onRefused: (exit) => {
      refusals.push(exit);
      hear('refused');
    },
  });
  running.push(child);
  return { world, child, texts, heard, refusals };
}

const staysUp = "console.log('up ' + process.pid); setInterval(() => {}, 1000);";

test('shows the output and ends the process when asked to', async () => {
  const { child, heard, texts } = supervise(staysUp);
  child.start();
  await heard(/^child │ up \d+\n$/);
  const pid = child.pid;
  expect(texts[0]).toBe(`child │ up ${pid}\n`);
  await child.stop();
  expect(child.pid).toBeUndefined();
  expect(() => process.kill(pid!, 0)).toThrow('ESRCH');
});

test('starts a process again that died after it was ready, ever more slowly', async () => {
  const { world, child, heard, texts } = supervise(staysUp);
  child.start();
  for (const pause of ['0.5', '1', '2']) {
    await heard(/up/);
    child.markReady();
    texts.length = 0;
    process.kill(child.pid!, 'SIGKILL');
    await heard(/SIGKILL/);
    expect(texts).toEqual([`child was ended by SIGKILL; starting it again in ${pause} s`]);
    await world.advance(Number(pause) * 1_000 - 1);
    expect(child.pid).toBeUndefined();
    await world.advance(1);
    expect(texts).toContain('started again');
    expect(child.pid).toBeGreaterThan(0);
  }
  await child.stop();
});

test('does not start a process again that refused to start', async () => {
  const { child, heard, refusals } = supervise('process.exit(72)');
  child.start();
  await heard(/^refused$/);
  expect(refusals).toEqual([{ code: 72, signal: null, wasReady: false }]);
  expect(child.pid).toBeUndefined();
});

test('starts a process again after a fault, but not once it says that it cannot run', async () => {
  const { world, child, heard, refusals, texts } = supervise(
    `process.on('SIGUSR2', () => process.exit(70)); process.on('SIGTERM', () => process.exit(65)); ${staysUp}`,
  );
  child.start();
  await heard(/up/);
  child.markReady();
  texts.length = 0;
  process.kill(child.pid!, 'SIGUSR2');
  await heard(/exited with code 70; starting it again/);
  await world.advance(500);
  await heard(/up/);
  texts.length = 0;
  process.kill(child.pid!, 'SIGTERM');
  await heard(/^refused$/);
  expect(refusals).toEqual([{ code: 65, signal: null, wasReady: true }]);
});

test('does not start a process again while it is being stopped', async () => {
  const { world, child, heard, texts } = supervise(staysUp);
  child.start();
  await heard(/up/);
  child.markReady();
  process.kill(child.pid!, 'SIGKILL');
  await heard(/starting it again/);
  await child.stop();
  texts.length = 0;
  await world.advance(60_000);
  expect(child.pid).toBeUndefined();
  expect(texts).toEqual([]);
});
