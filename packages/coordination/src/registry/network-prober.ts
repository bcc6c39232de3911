import { get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';
import { connect } from 'node:net';
import { probeGrpcHealth } from './grpc-health-probe.ts';
import type { HealthCheck, HealthProber } from './health-check.ts';
import type { HostPort } from './service-address.ts';

/** Looks at instances through this process's own network. */
export const networkProber: HealthProber = {
  async probe(check: HealthCheck, target: HostPort, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    switch (check.type) {
      case 'tcp':
        return await probeTcp(target, signal);
      case 'http':
        return await probeHttp(check, target, signal);
      case 'grpc':
        return await probeGrpcHealth(target, check.service ?? '', check.isTls === true, signal);
      default:
        return check satisfies never;
    }
  },
};

function probeTcp(target: HostPort, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...target, signal });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
  });
}

function probeHttp(check: HealthCheck & { type: 'http' }, target: HostPort, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const get = check.isTls === true ? httpsGet : httpGet;
    // An agent of its own, which keeps no connection: each check makes one.
    const request = get({ ...target, path: check.path, signal, agent: false }, (response) => {
      const status = response.statusCode ?? 0;
      response.destroy();
      if (status >= 200 && status < 300) resolve();
      else reject(new Error(`the instance answered with status ${status}`));
    });
    request.once('error', reject);
  });
}
