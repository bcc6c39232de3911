import { assert } from '@flotilla/runtime';
import type { CommandResult } from './store-handle.ts';

/** Answers one command. Invariant: called exactly once. */
export interface Reply {
  (result: CommandResult): void;
  isAnswered?: boolean;
}

/**
 * Guards a reply, so that a second call is a broken invariant rather than an answer that nobody hears.
 *
 * @throws {InvariantError} from the reply, at its second call.
 */
export function replyOnce(resolve: (result: CommandResult) => void): Reply {
  const reply: Reply = (result) => {
    assert(reply.isAnswered !== true, 'a command is answered once');
    reply.isAnswered = true;
    resolve(result);
  };
  return reply;
}

/** Answers what a worker that failed had in hand, of which nobody knows how far it got. */
export function answerIfOpen(reply: Reply, result: CommandResult): void {
  if (reply.isAnswered !== true) reply(result);
}

/** For commands that the store gives itself and repeats until they show. */
export const ignoreReply: Reply = () => {};
