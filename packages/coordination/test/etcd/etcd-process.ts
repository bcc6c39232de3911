import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.ts';

/** How an etcd process is to be. */
export interface EtcdProcessOptions {
  /** More command line arguments, such as those of TLS. */
  readonly args?: readonly string[];
  /** `https` when the arguments turn TLS on for clients. */
  readonly scheme?: 'http' | 'https';
  /** Whether to wait until it answers; not with TLS, which the probe does not speak. */
  readonly untilHealthy?: boolean;
}

interface Member {
  readonly name: string;
  readonly clientPort: number;
  readonly peerPort: number;
}

let installed: boolean | undefined;

/** Whether there is an etcd to start; says so once when there is none. */
export function isEtcdInstalled(): boolean {
  if (installed === undefined) {
    installed = spawnSync('etcd', ['--version']).status === 0;
    if (!installed) console.warn('etcd is not on the PATH: what runs over a real etcd is skipped');
  }
  return installed;
}

/** One etcd member in a process of its own, with its data in a temporary directory. End it with `stop`. */
export class EtcdProcess {
  /** `127.0.0.1:port`. */
  readonly endpoint: string;
  readonly name: string;
  readonly #command: readonly string[];
  readonly #directory: string;
  #process: ChildProcess | undefined;
  #log = '';

  constructor(member: Member, command: readonly string[], directory: string) {
    this.name = member.name;
    this.endpoint = `127.0.0.1:${member.clientPort}`;
    this.#command = command;
    this.#directory = directory;
  }

  /** What it has written to its log. */
  get log(): string {
    return this.#log;
  }

  get isRunning(): boolean {
    return this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Starts it, again with the data that it had. */
  start(): void {
    if (this.isRunning) throw new Error(`${this.name} runs already`);
    const child = spawn('etcd', this.#command, { stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (chunk: Buffer): void => {
      this.#log = (this.#log + chunk.toString()).slice(-100_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    this.#process = child;
  }

  /** Resolves when it answers reads, which takes a leader. */
  async healthy(): Promise<void> {
    await eventually(async () => {
      if (!this.isRunning) throw new Error(`etcd has ended:\n${this.#log.slice(-4000)}`);
      const response = await fetch(`http://${this.endpoint}/health`, { signal: AbortSignal.timeout(2000) });
      const { health } = (await response.json()) as { readonly health: string };
      if (health !== 'true') throw new Error(`etcd is not healthy: ${health}`);
    }, 20_000);
  }

  /** SIGSTOP: its sockets stay open and nothing answers. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  /** SIGCONT. */
  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  /** SIGKILL; resolves when it is gone. `start` brings it back. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || !this.isRunning) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGKILL');
    await gone;
  }

  /** Ends it for good and removes its data. */
  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Starts a cluster of one and waits until it answers. */
export async function startEtcd(options: EtcdProcessOptions = {}): Promise<EtcdProcess> {
  const [process] = await startEtcdCluster(1, options);
  return process as EtcdProcess;
}

/** Starts a cluster of `size` members and waits until all of them answer. */
export async function startEtcdCluster(
  size: number,
  options: EtcdProcessOptions = {},
): Promise<readonly EtcdProcess[]> {
  const ports = await freePorts(size * 2);
  const members = Array.from({ length: size }, (_, index) => ({
    name: `etcd-${index + 1}`,
    clientPort: ports[index * 2] as number,
    peerPort: ports[index * 2 + 1] as number,
  }));
  const cluster = members.map((member) => `${member.name}=http://127.0.0.1:${member.peerPort}`).join(',');
  const processes = members.map((member) => {
    const directory = mkdtempSync(join(tmpdir(), 'flotilla-etcd-'));
    return new EtcdProcess(member, commandOf(member, cluster, directory, options), directory);
  });
  for (const process of processes) process.start();
  try {
    if (options.untilHealthy !== false) await Promise.all(processes.map((process) => process.healthy()));
  } catch (error) {
    await Promise.all(processes.map((process) => process.stop()));
    throw error;
  }
  return processes;
}

function commandOf(member: Member, cluster: string, directory: string, options: EtcdProcessOptions): string[] {
  const client = `${options.scheme ?? 'http'}://127.0.0.1:${member.clientPort}`;
  const peer = `http://127.0.0.1:${member.peerPort}`;
  return [
    ...['--name', member.name, '--data-dir', directory, '--log-level', 'warn'],
    ...['--listen-client-urls', client, '--advertise-client-urls', client],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
    ...['--initial-cluster', cluster],
    ...(options.args ?? []),
  ];
}

/** Ports that nobody listens on just now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer();
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { readonly port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
