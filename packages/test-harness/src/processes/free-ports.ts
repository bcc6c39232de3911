import { createServer, type Server } from 'node:net';

/** Below where systems take ports for outgoing connections, which could otherwise take one between its finding and its use. */
const lowest = 12_000;
const highest = 31_000;

/** Where this process looks next. Processes begin apart, and none looks at a port twice until it has seen them all. */
let candidate = lowest + ((process.pid * 97) % (highest - lowest));

/**
 * Ports of the loopback interface that nobody listens on. All are held at once before any is given away, so that one call
 * never names a port twice.
 */
export async function findFreePorts(count: number): Promise<number[]> {
  const held: Server[] = [];
  const ports: number[] = [];
  try {
    while (ports.length < count) {
      const server = createServer();
      const port = nextCandidate();
      try {
        await listen(server, port);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') continue;
        throw error;
      }
      held.push(server);
      ports.push(port);
    }
    return ports;
  } finally {
    await Promise.all(held.map(close));
  }
}

function nextCandidate(): number {
  candidate = candidate + 1 >= highest ? lowest : candidate + 1;
  return candidate;
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

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
}

/** Closing one that does not listen is no failure here. */
function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
