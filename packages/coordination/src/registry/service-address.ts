/** Where an instance listens. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

const form = /^(?:\[([0-9a-fA-F:.%]+)\]|([^\s:[\]/@?#]+)):(\d{1,5})$/;

/** Host and port of `host:port` or `[IPv6]:port`, the port from 1 to 65535; undefined for anything else. */
export function parseAddress(address: string): HostPort | undefined {
  const match = form.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || !(port >= 1 && port <= 65_535)) return undefined;
  return { host, port };
}
