import { register } from 'node:module';
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { cpuUsedMs } from './cpu-time.ts';
import type { HookData } from './load-hook.ts';
import { MutantError } from './mutant.ts';
import { findMutant } from './mutants.ts';
import { type PlayAnswer, type PlayRequest, seedCpuLimitMs } from './player-message.ts';

// The process that plays seeds: `player.js [mutant]`, started with an IPC channel. The bug is in force in this process only.

const { port1: heard, port2: port } = new MessageChannel();
const edits = process.argv[2] === undefined ? [] : findMutant(process.argv[2]).edits;
if (edits.length > 0) {
  const data: HookData = { edits, port };
  register('./load-hook.js', import.meta.url, { data, transferList: [port] });
}

const { drawPlan, simulate } = await import('@flotilla/sim');

for (const { module } of edits) {
  if (receiveMessageOnPort(heard) === undefined) throw new MutantError(`${module} is no part of the simulation`);
}
heard.close();

const cpuWatch = new Worker(new URL('./cpu-watch.js', import.meta.url), { workerData: { limitMs: seedCpuLimitMs } });
cpuWatch.unref();

/** The seed that is being played, and the processor time at its beginning. */
let playing: { readonly seed: number; readonly fromMs: number } | undefined;

async function play({ profile, seed }: PlayRequest): Promise<void> {
  playing = { seed, fromMs: cpuUsedMs() };
  cpuWatch.postMessage('seed');
  process.channel?.unref();
  const { failure } = await simulate(drawPlan(seed, profile));
  answer(failure?.message);
}

function answer(failure: string | undefined): void {
  if (playing === undefined) return;
  process.channel?.ref();
  const { seed, fromMs } = playing;
  playing = undefined;
  const message: PlayAnswer = { seed, failure, cpuMs: cpuUsedMs() - fromMs };
  process.send?.(message);
}

process.on('message', (request: PlayRequest) => void play(request));
// Nothing is left to run, and the seed has not ended: it waits for what never comes.
process.on('beforeExit', () => answer('process: the seed stands still'));
// Whoever started this process is gone, or done with it.
process.on('disconnect', () => process.exit());
// Ctrl-C is for whoever started it, too.
process.on('SIGINT', () => {});
process.send?.('ready');
