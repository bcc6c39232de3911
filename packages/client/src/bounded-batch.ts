/**
 * Runs `work` for each item, at most `concurrency` at once, in the items' order of beginning. Begins no more once `work` has
 * returned false or the source fails; resolves when all that was begun has ended, rejects with the source's error then.
 */
export async function runBounded<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  concurrency: number,
  work: (item: Item, index: number) => Promise<boolean>,
): Promise<void> {
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  let isStopped = false;
  let begun = 0;
  let pulling: Promise<unknown> = Promise.resolve();
  const pull = (): Promise<IteratorResult<Item> | undefined> => {
    // One at a time: an async source need not bear overlapping calls.
    const result = pulling.then(async () => (isStopped ? undefined : iterator.next()));
    pulling = result.catch(() => {});
    return result;
  };
  const lane = async (): Promise<void> => {
    try {
      while (!isStopped) {
        const next = await pull();
        if (next === undefined || next.done === true) return;
        const index = begun;
        begun += 1;
        if (!(await work(next.value, index))) isStopped = true;
      }
    } catch (error) {
      isStopped = true;
      throw error;
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: concurrency }, lane));
  if (isStopped) await iterator.return?.();
  for (const outcome of lanes) if (outcome.status === 'rejected') throw outcome.reason;
}
