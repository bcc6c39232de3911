export { type Actor, type ActorFailure, type ActorHandler, type ActorOptions, startActor } from './actor.ts';
export { type HandlerLife, type InlineWorkerOptions, type ResourceGuard, spawnInlineWorker } from './inline-worker.ts';
export { createMailbox, type Mailbox, type MailboxOptions, type Recipient, type SendOutcome } from './mailbox.ts';
export { type BroadcastOutcome, type RouteOutcome, Router } from './router.ts';
export { serveTaskHandler } from './serve-task-handler.ts';
export type {
  EmitResult,
  TaskFailure,
  TaskFailureCode,
  TaskHandler,
  TaskWorker,
  TaskWorkerOptions,
  TaskWorkerStats,
} from './task-worker.ts';
export { spawnThreadWorker, type ThreadWorkerOptions } from './thread-worker.ts';
export { toTransferable } from './transferable.ts';
