import { schedulerpb } from '@flotilla/protocol';
import type { Runtime } from '@flotilla/runtime';
import type { GrpcSchedulerClientConfig } from './grpc-client-config.ts';
import type { SchedulerConnection } from './scheduler-connection.ts';
import { isSchedulerError, SchedulerError } from './scheduler-error.ts';

/**
 * Asks which cluster the scheduler serves, again and again for `connectTimeoutMs` while none can be reached.
 *
 * @throws {SchedulerError} with code `unavailable`, `cancelled` or `unknown`.
 */
export async function learnClusterId(
  connection: SchedulerConnection,
  runtime: Runtime,
  config: GrpcSchedulerClientConfig,
  signal: AbortSignal | undefined,
): Promise<number> {
  const startMs = runtime.clock.monotonicMs();
  const request = schedulerpb.GetMembersRequest.create();
  for (let failures = 1; ; failures += 1) {
    try {
      const { header } = await connection.call(schedulerpb.Scheduler.getMembers, request, {
        signal,
        clusterId: undefined,
      });
      if (header === undefined || header.clusterId === 0) {
        throw new SchedulerError('unknown', `${connection.endpoint} does not say which cluster it serves`);
      }
      return header.clusterId;
    } catch (error) {
      const isLate = runtime.clock.monotonicMs() - startMs >= config.connectTimeoutMs;
      if (!isSchedulerError(error, 'unavailable') || isLate) throw error;
      await connection.pause(failures, signal);
    }
  }
}
