import type { ServiceInfo } from '../../src/index.ts';

/** An instance of the service `orders` as a test needs it. */
export function serviceInstance(instanceId: string, fields: Partial<ServiceInfo> = {}): ServiceInfo {
  return {
    name: 'orders',
    instanceId,
    address: '127.0.0.1:8080',
    metadata: {},
    health: 'healthy',
    isDraining: false,
    registerTime: new Date(0),
    lastHeartbeat: new Date(0),
    ...fields,
  };
}
