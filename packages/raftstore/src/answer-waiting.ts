import type { ApplyMessage } from './apply/message.ts';
import type { RaftWorkerMessage } from './raft-worker/message.ts';
import { failed, outcomeUnknown, serverIsBusy } from './region-error.ts';

/** Answers the commands among the messages that an actor leaves behind when it ends; other messages need no answer. */
export function answerWaiting(waiting: readonly unknown[], reason: string): void {
  for (const message of waiting as readonly (RaftWorkerMessage | ApplyMessage)[]) {
    if (message.type === 'peer' && message.message.type === 'raftCommand') {
      message.message.reply(failed(serverIsBusy(reason)));
    } else if (message.type === 'apply') {
      for (const proposal of message.proposals ?? []) proposal?.reply(failed(outcomeUnknown(reason)));
    }
  }
}
