export type { Mailbox, SendOutcome } from './mailbox.ts';
export type { TaskHandler, TaskWorker } from './task-worker.ts';
