import type { ApplyMessage } from './apply/message.ts';
import { type RaftWorkerMessage, wantsAnswer } from './raft-worker/message.ts';
import { failed, outcomeUnknown, serverIsBusy } from './region-error.ts';
import type { SchedulerMessage } from './scheduler-worker/message.ts';

/** Answers the commands among the messages that an actor leaves behind when it ends; other messages need no answer. */
export function answerWaiting(waiting: readonly unknown[], reason: string): void {
  for (const message of waiting as readonly (RaftWorkerMessage | ApplyMessage | SchedulerMessage)[]) {
    if (message.type === 'peer') {
      if (wantsAnswer(message.message)) message.message.reply(failed(serverIsBusy(reason)));
    } else if (message.type === 'askSplit') {
      message.ask.reply(failed(serverIsBusy(reason)));
    } else if (message.type === 'apply') {
      for (const proposal of message.proposals ?? []) proposal?.reply(failed(outcomeUnknown(reason)));
    }
  }
}
