import { createServer } from 'node:net';

/**
 * The ports of the loopback interface among `ports` that something listens on. Whoever is there would otherwise be taken
 * for one of our processes: its `/readyz` answers just as well.
 */
export async function findTakenPorts(ports: readonly number[]): Promise<number[]> {
  const taken: number[] = [];
  for (const port of ports) if (!(await isFree(port))) taken.push(port);
  return taken;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
