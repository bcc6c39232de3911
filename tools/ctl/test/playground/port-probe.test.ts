import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { findTakenPorts } from '../../src/playground/port-probe.ts';

test('tells taken ports from free ones, and takes none itself', async () => {
  const servers = [createServer(), createServer()];
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
        }),
    ),
  );
  await new Promise((resolve) => servers[1]!.close(resolve));
  expect(await findTakenPorts(ports)).toEqual([ports[0]]);
  expect(await findTakenPorts(ports)).toEqual([ports[0]]);
  await new Promise((resolve) => servers[0]!.close(resolve));
});
