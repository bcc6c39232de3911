import { parentPort, workerData } from 'node:worker_threads';
import { cpuUsedMs } from './cpu-time.ts';

// A thread of a player that ends the whole process once a seed has used up its time of the processor. The time on the wall
// says nothing: the machine may be busy with other things, or stopped. The thread that plays may be in a loop and cannot look.

const { limitMs } = workerData as { readonly limitMs: number };
let usedBeforeMs = cpuUsedMs();

parentPort?.on('message', () => {
  usedBeforeMs = cpuUsedMs();
});
setInterval(() => {
  if (cpuUsedMs() - usedBeforeMs > limitMs) process.kill(process.pid, 'SIGVTALRM');
}, 500);
