export { type Actor, type ActorFailure, type ActorHandler, type ActorOptions, startActor } from './actor.ts';
export { createMailbox, type Mailbox, type MailboxOptions, type Recipient, type SendOutcome } from './mailbox.ts';
export { type BroadcastOutcome, type RouteOutcome, Router } from './router.ts';
export type { TaskHandler, TaskWorker } from './task-worker.ts';
