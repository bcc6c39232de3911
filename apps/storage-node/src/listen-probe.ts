import type { Runtime } from '@flotilla/runtime';
import { defaultServerConfig, formatListenAddress, startGrpcServer } from '@flotilla/server';

/**
 * The address with its real port, once it has been shown that it can be listened on. A store tells the cluster its address
 * before it serves there, so a port that is in use must be found out before, when nothing has been told yet.
 *
 * @throws {ServerError}
 */
export async function findListenAddress(listen: string, runtime: Runtime): Promise<string> {
  const server = await startGrpcServer({ services: [], listen, config: defaultServerConfig, runtime });
  const address = formatListenAddress(server.address);
  await server.close();
  return address;
}
