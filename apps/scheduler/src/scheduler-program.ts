import type { ProgramDescription } from '@flotilla/program';
import { defaultSchedulerAppConfig, resolveSchedulerAppConfig, type SchedulerAppConfig } from './config.ts';
import { schedulerOptions } from './option.ts';

/** The command `flotilla-scheduler`. */
export const schedulerProgram: ProgramDescription<SchedulerAppConfig> = {
  name: 'flotilla-scheduler',
  description: 'Runs the scheduler of a cluster: it knows stores and regions, gives out ids and timestamps.',
  options: schedulerOptions,
  defaults: defaultSchedulerAppConfig,
  fileVariable: 'FLOTILLA_SCHEDULER_CONFIG',
  helpAfter: `
Each option can also be set by an environment variable (--data-dir by FLOTILLA_SCHEDULER_DATA_DIR, and so on) or in the
file. Flags win over the environment, the environment wins over the file.

Exit codes: 0 stopped · 64 invalid options · 65 damaged data · 70 internal error · 72 port in use · 73 data directory
cannot be written · 75 data directory in use · 78 data of another version · 130 forced to stop`,
  resolve: resolveSchedulerAppConfig,
};
