import { register } from 'node:module';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import type { HookData } from './load-hook.ts';
import { MutantError } from './mutant.ts';
import { findMutant } from './mutants.ts';
import type { PlayAnswer, PlayRequest } from './player-message.ts';

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

async function play({ profile, seed }: PlayRequest): Promise<void> {
  const { failure } = await simulate(drawPlan(seed, profile));
  const answer: PlayAnswer = { seed, failure: failure?.message };
  process.send?.(answer);
}

process.on('message', (request: PlayRequest) => void play(request));
// Whoever started this process is gone, or done with it.
process.on('disconnect', () => process.exit());
// Ctrl-C is for whoever started it, too.
process.on('SIGINT', () => {});
process.send?.('ready');
