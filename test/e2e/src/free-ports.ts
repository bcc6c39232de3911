import { createServer, type Server } from 'node:net';

/**
 * Ports of the loopback interface that nobody listens on. All are held at once before any is given away, so that one call
 * never names a port twice.
 */
export async function findFreePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  try {
    return await Promise.all(servers.map((server) => listen(server, 0)));
  } finally {
    await Promise.all(servers.map(close));
  }
}

/** A port such that it and the ones at `offsets` above it are free. */
export async function findFreeBase(offsets: readonly number[]): Promise<number> {
  for (;;) {
    const [base] = await findFreePorts(1);
    const servers = offsets.map(() => createServer());
    try {
      if (base! + Math.max(...offsets) > 65_000) continue;
      await Promise.all(servers.map((server, position) => listen(server, base! + offsets[position]!)));
      return base!;
    } catch {
      // One of them is taken: another base may be free.
    } finally {
      await Promise.all(servers.map(close));
    }
  }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('a TCP server has a port'));
      else resolve(address.port);
    });
  });
}

/** Closing one that does not listen is no failure here. */
function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
