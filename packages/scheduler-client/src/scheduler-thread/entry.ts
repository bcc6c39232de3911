import { parentPort, workerData } from 'node:worker_threads';
import { assert, createSystemRuntime } from '@flotilla/runtime';
import { setLogger } from '@grpc/grpc-js';
import { SchedulerThreadHandler } from './handler.ts';
import type { FromSchedulerThread, SchedulerThreadData, ToSchedulerThread } from './message.ts';
import { createThreadLogger } from './thread-logger.ts';

assert(parentPort !== null, 'the entry of the scheduler thread runs in a worker thread');
const port = parentPort;
const data = workerData as SchedulerThreadData;
const post = (message: FromSchedulerThread): void => port.postMessage(message);
const logger = createThreadLogger(data.logLevel, post);
// What matters of it also reaches us as an error.
const debug = (...parts: readonly unknown[]): void => logger.debug('grpc', { text: parts.map(String).join(' ') });
setLogger({ error: debug, info: debug, debug });

const handler = new SchedulerThreadHandler({ data, runtime: createSystemRuntime({ logger }), post });
port.on('message', (message: ToSchedulerThread) => handler.handle(message));
// Not caught: a rejection ends the thread with its reason, which is how it reaches the owner.
void handler.start();
