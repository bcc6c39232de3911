import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import type { WorkloadOrder, WorkloadReport } from './message.ts';
import { Workload } from './workload.ts';

// The process of the clients. It takes orders from the run that started it, and ends with it.

const report = (message: WorkloadReport): void => {
  process.send?.(message);
};
let workload: Promise<Workload> | undefined;

process.on('message', (order: WorkloadOrder) => {
  take(order).catch((error: unknown) => {
    process.stderr.write(`the clients failed: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(70);
  });
});
process.on('disconnect', () => process.exit(70));

async function take(order: WorkloadOrder): Promise<void> {
  if (order.type === 'start') {
    const runtime = createSystemRuntime({ logger: silentLogger, seed: order.options.seed });
    workload = Workload.start(order.options, runtime, report);
    await workload;
    return;
  }
  const running = await workload;
  const complaint = await running?.finish(order.readsAll);
  if (running !== undefined) report({ type: 'progress', progress: running.progress });
  // Ends the process once it has left.
  process.send?.({ type: 'finished', complaint } satisfies WorkloadReport, () => process.exit(0));
}
