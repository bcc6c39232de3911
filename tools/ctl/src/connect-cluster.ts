import { createRawClient, defaultRawClientConfig } from '@flotilla/client';
import type { Runtime } from '@flotilla/runtime';
import {
  GrpcSchedulerClient,
  isSchedulerError,
  OperatorClient,
  type RegionWithLeader,
} from '@flotilla/scheduler-client';
import type { ClusterConnection } from './cluster-connection.ts';
import { CommandError, type GlobalOptions } from './command-context.ts';
import { exitCode } from './exit-code.ts';

const noKey = new Uint8Array(0);
const regionsPerPage = 1_024;

/**
 * Connects to the cluster of the scheduler that the options name.
 *
 * @throws {CommandError} when it cannot be reached; {SchedulerError} with code `cancelled`.
 */
export async function connectCluster(
  { scheduler, timeoutMs }: GlobalOptions,
  runtime: Runtime,
  signal: AbortSignal,
): Promise<ClusterConnection> {
  const schedulerClient = await connectScheduler(scheduler, timeoutMs, runtime, signal);
  const client = createRawClient({ schedulerClient, runtime, config: { requestTimeoutMs: timeoutMs } });
  const operators = lazyOperators(scheduler, timeoutMs, runtime);
  const { maxKeyBytes, maxValueBytes } = defaultRawClientConfig;
  return {
    clusterId: schedulerClient.clusterId,
    limits: { maxKeyBytes, maxValueBytes },
    get: (key, signal) => client.get(key, { signal }),
    put: (key, value, signal) => client.put(key, value, { signal }),
    putMany: (pairs, signal) => client.putMany(pairs, { signal }),
    delete: (key, signal) => client.delete(key, { signal }),
    scanPages: ({ start, end }, limit, signal) => client.scanPages({ start, end, limit }, { signal }),
    storeReports: (signal) => client.storeReports({ signal }),
    regions: (signal) => allRegions(schedulerClient, signal),
    operators: (signal) => operators.get(signal),
    regionHash: (storeId, request, signal) => client.regionHash(storeId, request, { signal }),
    close: async () => {
      await operators.close();
      await client.close();
      await schedulerClient.close();
    },
  };
}

/** Most commands never ask for it. */
function lazyOperators(scheduler: string, timeoutMs: number, runtime: Runtime) {
  let connecting: Promise<OperatorClient> | undefined;
  const config = { connectTimeoutMs: timeoutMs, requestTimeoutMs: timeoutMs };
  return {
    get: (signal?: AbortSignal): Promise<OperatorClient> => {
      const given = signal === undefined ? {} : { signal };
      connecting ??= OperatorClient.connect({ endpoints: [scheduler], runtime, config, ...given });
      return connecting;
    },
    close: async (): Promise<void> => {
      const client = await connecting?.catch(() => undefined);
      await client?.close();
    },
  };
}

async function connectScheduler(
  address: string,
  timeoutMs: number,
  runtime: Runtime,
  signal: AbortSignal,
): Promise<GrpcSchedulerClient> {
  const config = { connectTimeoutMs: timeoutMs, requestTimeoutMs: timeoutMs };
  try {
    return await GrpcSchedulerClient.connect({ endpoints: [address], runtime, config, signal });
  } catch (cause) {
    if (!isSchedulerError(cause, 'unavailable')) throw cause;
    throw new CommandError(`no scheduler answers at ${address}`, exitCode.unavailable, {
      cause,
      hint: 'is the cluster running? --scheduler HOST:PORT says where its scheduler is',
    });
  }
}

async function allRegions(client: GrpcSchedulerClient, signal?: AbortSignal): Promise<readonly RegionWithLeader[]> {
  const regions: RegionWithLeader[] = [];
  for (let start: Uint8Array = noKey; ; ) {
    const page = await client.scanRegions(start, noKey, regionsPerPage, signal);
    regions.push(...page);
    const end = page.at(-1)?.region.endKey ?? noKey;
    if (end.length === 0) return regions;
    start = end;
  }
}
