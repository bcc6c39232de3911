export {
  defaultSchedulerAppConfig,
  resolveSchedulerAppConfig,
  type SchedulerAppConfig,
  SchedulerAppConfigError,
  testSchedulerAppConfig,
} from './config.ts';
export { type SchedulerServer, startSchedulerServer } from './scheduler-server.ts';
export { StartError, type StartErrorCode } from './start-error.ts';
