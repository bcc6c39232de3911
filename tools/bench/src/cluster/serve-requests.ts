import type { BenchReply, BenchRequest } from './message.ts';

/** Answers the benchmark's requests one after the other until it is gone, then ends the process. */
export function serveRequests(
  handle: (request: BenchRequest, reply: (message: BenchReply) => void) => Promise<void>,
): void {
  let previous = Promise.resolve();
  const reply = (message: BenchReply): void => {
    process.send?.(message);
  };
  process.on('message', (request: BenchRequest) => {
    previous = previous
      .then(() => handle(request, reply))
      .catch((error: unknown) => {
        reply({ type: 'failed', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) });
      });
  });
  process.on('disconnect', () => process.exit(1));
  // A terminal's Ctrl-C reaches every process; the benchmark ends the others.
  process.on('SIGINT', () => {});
}
