import { createServer } from 'node:net';
import { findFreePorts } from '@flotilla/test-harness';
import { expect, test } from 'vitest';

test('names ports that differ and can be listened on', async () => {
  const ports = await findFreePorts(20);
  expect(new Set(ports).size).toBe(20);
  for (const port of ports) {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    await new Promise((resolve) => server.close(resolve));
  }
});
