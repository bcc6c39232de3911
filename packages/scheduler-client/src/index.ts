export type { BootstrapOutcome, RegionWithLeader, SchedulerClient } from './scheduler-client.ts';
