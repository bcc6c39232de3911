import type { metapb, schedulerpb } from '@flotilla/protocol';
import type { LogLevel } from '@flotilla/runtime';
import type { GrpcSchedulerClientConfig } from '../grpc-client-config.ts';
import type { BootstrapOutcome, RegionWithLeader } from '../scheduler-client.ts';
import type { SchedulerErrorCode } from '../scheduler-error.ts';

/** What the thread is given when it starts. */
export interface SchedulerThreadData {
  readonly endpoints: readonly string[];
  readonly config: GrpcSchedulerClientConfig;
  /** The cluster that an earlier thread learned of; without it, the thread learns it before it is ready. */
  readonly clusterId: number | undefined;
  /** Lines below it are not sent. */
  readonly logLevel: LogLevel;
}

/** A call to the scheduler: a method of `SchedulerClient` and its arguments. */
export type SchedulerCall =
  | { readonly type: 'bootstrap'; readonly store: metapb.Store; readonly region: metapb.Region }
  | { readonly type: 'isBootstrapped' }
  | { readonly type: 'allocId' }
  | { readonly type: 'putStore'; readonly store: metapb.Store }
  | { readonly type: 'getStore'; readonly storeId: number }
  | { readonly type: 'getAllStores' }
  | { readonly type: 'getRegion'; readonly key: Uint8Array }
  | { readonly type: 'getRegionById'; readonly regionId: number }
  | {
      readonly type: 'scanRegions';
      readonly startKey: Uint8Array;
      readonly endKey: Uint8Array;
      readonly limit: number;
    }
  | { readonly type: 'askSplit'; readonly region: metapb.Region; readonly count: number }
  | { readonly type: 'reportSplit'; readonly regions: readonly metapb.Region[] }
  | { readonly type: 'storeHeartbeat'; readonly stats: schedulerpb.StoreStats };

/** What each call is answered with. */
export interface SchedulerAnswers extends Readonly<Record<SchedulerCall['type'], unknown>> {
  readonly bootstrap: BootstrapOutcome;
  readonly isBootstrapped: boolean;
  readonly allocId: number;
  readonly putStore: undefined;
  readonly getStore: metapb.Store | undefined;
  readonly getAllStores: readonly metapb.Store[];
  readonly getRegion: RegionWithLeader | undefined;
  readonly getRegionById: RegionWithLeader | undefined;
  readonly scanRegions: readonly RegionWithLeader[];
  readonly askSplit: schedulerpb.AskSplitResponse;
  readonly reportSplit: undefined;
  readonly storeHeartbeat: undefined;
}

/** A `SchedulerError` as it crosses. */
export interface PlainSchedulerError {
  readonly code: SchedulerErrorCode;
  readonly message: string;
}

/** What the client says to its thread. */
export type ToSchedulerThread =
  | { readonly type: 'call'; readonly id: number; readonly call: SchedulerCall }
  /** Nobody waits for the answer any more. */
  | { readonly type: 'cancel'; readonly id: number }
  | { readonly type: 'heartbeats'; readonly heartbeats: readonly schedulerpb.RegionHeartbeatRequest[] }
  | { readonly type: 'ping' }
  /** Close the connection. */
  | { readonly type: 'close' };

/** What the thread says to its client. */
export type FromSchedulerThread =
  /** Calls and heartbeats are taken from now on. */
  | { readonly type: 'ready'; readonly clusterId: number }
  /** No scheduler was reached within `connectTimeoutMs`; the thread goes on trying. */
  | { readonly type: 'unreached'; readonly error: PlainSchedulerError }
  /** The schedulers cannot be used, and trying again does not help. */
  | { readonly type: 'refused'; readonly error: PlainSchedulerError }
  | { readonly type: 'answered'; readonly id: number; readonly answer: SchedulerAnswers[keyof SchedulerAnswers] }
  | { readonly type: 'failed'; readonly id: number; readonly error: PlainSchedulerError }
  /** The last batch of heartbeats is in the queue of the thread's stream. */
  | { readonly type: 'taken' }
  | { readonly type: 'responses'; readonly responses: readonly schedulerpb.RegionHeartbeatResponse[] }
  | { readonly type: 'log'; readonly level: LogLevel; readonly message: string; readonly fields: PlainLogFields }
  | { readonly type: 'pong' }
  | { readonly type: 'closed' };

/** Fields of a log line that any thread can read. */
export type PlainLogFields = Readonly<Record<string, string | number | boolean>>;
