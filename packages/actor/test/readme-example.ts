import {
  createMailbox,
  Router,
  type SendOutcome,
  spawnInlineWorker,
  startActor,
  type TaskHandler,
} from '@flotilla/actor';
import type { Runtime } from '@flotilla/runtime';

type Message =
  | { readonly type: 'text'; readonly regionId: number; readonly text: string }
  | { readonly type: 'counted'; readonly regionId: number; readonly words: number };

type Task = { readonly regionId: number; readonly text: string };
type Result = { readonly regionId: number; readonly words: number };

const countWords = (): TaskHandler<Task, Result> => ({
  handle: ({ regionId, text }, emit) => emit({ regionId, words: text.split(' ').length }),
});

/** Counts the words of many regions: one actor owns the totals, a worker beside it does the counting. */
export function startWordCount({ timers, logger }: Runtime) {
  const totals = new Map<number, number>();
  const note = (outcome: SendOutcome): void => {
    if (outcome !== 'accepted') logger.warn('a text was not counted', { outcome });
  };
  const mailbox = createMailbox<Message>('totals', 1_024, { reserved: 256 });
  const counter = spawnInlineWorker<Task, Result>({
    name: 'word counter',
    capacity: 256,
    timers,
    logger,
    createHandler: countWords,
    // A result uses the reserve: it fits although texts have filled the rest of the mailbox.
    onResult: (result) => note(mailbox.sendControl({ type: 'counted', ...result })),
    onFailure: ({ code, cause }) => logger.error('a text was not counted', { code, error: cause }),
  });
  const actor = startActor<Message>({
    name: 'totals',
    mailbox,
    timers,
    maxBatch: 64,
    handler: {
      handleBatch: (batch) => {
        for (const message of batch) {
          if (message.type === 'text') note(counter.schedule({ regionId: message.regionId, text: message.text }));
          else totals.set(message.regionId, (totals.get(message.regionId) ?? 0) + message.words);
        }
      },
    },
    onFailure: ({ cause }) => logger.fatal('the totals are lost', { error: cause }),
  });
  const router = new Router<number, string>();
  const addRegion = (regionId: number): void =>
    router.register(regionId, {
      send: (text) => mailbox.send({ type: 'text', regionId, text }),
      sendControl: (text) => mailbox.sendControl({ type: 'text', regionId, text }),
    });
  return { router, addRegion, totals, stop: async () => Promise.all([actor.stop(), counter.close()]) };
}
