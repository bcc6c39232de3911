import { parentPort } from 'node:worker_threads';

// Serves as the real thread does, and goes round in circles from the first heartbeat on.
await import('../../scheduler-client/dist/scheduler-thread/entry.js');
parentPort.on('message', (message) => {
  while (message.type === 'heartbeats');
});
