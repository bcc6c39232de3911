import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '@flotilla/runtime';
import type { BackendLocation } from '../../backend/coordination-backend.ts';
import { serveRenewer } from './serve-renewer.ts';

assert(parentPort !== null, 'the renewer runs on a worker thread');
// Not caught: a backend that cannot be opened ends the thread with the reason, which is how its owner hears of it.
await serveRenewer(parentPort, workerData as BackendLocation);
