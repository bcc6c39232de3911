import type { Logger } from '@flotilla/runtime';
import { setLogger } from '@grpc/grpc-js';

/**
 * Sends what the gRPC library would print on the console to `logger`, at debug level: whatever matters of it also reaches
 * us as an error. This is state of the whole process, so only apps call it.
 */
export function routeGrpcLogs(logger: Logger): void {
  const write = (...parts: readonly unknown[]): void => logger.debug('grpc', { text: parts.map(String).join(' ') });
  setLogger({ error: write, info: write, debug: write });
}
