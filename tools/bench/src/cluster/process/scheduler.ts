import { createProgramLogger } from '@flotilla/program';
import { createSystemRuntime } from '@flotilla/runtime';
import { defaultSchedulerAppConfig, startSchedulerServer } from '@flotilla/scheduler-app';
import { serveRequests } from '../serve-requests.ts';

// `scheduler.js DATA_DIRECTORY`: a scheduler with default settings.

const [dataDir = ''] = process.argv.slice(2);
const options = { logLevel: 'warn', logFormat: 'json' } as const;
const runtime = createSystemRuntime({
  logger: createProgramLogger(options, { isTerminal: false, showsColour: false }),
});
const config = { ...defaultSchedulerAppConfig, ...options, dataDir, listen: '127.0.0.1:0', http: '127.0.0.1:0' };
const scheduler = await startSchedulerServer(config, runtime);

serveRequests(async (request) => {
  if (request.type !== 'stop') throw new Error(`${request.type}: not what a scheduler does`);
  await scheduler.close();
  process.exit(0);
});
process.send?.({ type: 'ready', address: scheduler.listen });
