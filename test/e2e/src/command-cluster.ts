import { ProcessCluster, type ProcessEnd, ProcessUnderTest } from '@flotilla/test-harness';
import { programs } from './programs.ts';

/** What `status --json` shows, as far as tests look at it. */
export interface ClusterStatus {
  readonly clusterId: number;
}

/** A cluster of processes, and the command line against it. */
export class CommandCluster {
  readonly processes: ProcessCluster;

  private constructor(processes: ProcessCluster) {
    this.processes = processes;
  }

  /** Starts everything and waits until every region has its replicas and a leader. */
  static async start(nodes = 3): Promise<CommandCluster> {
    const nodeOptions = ['--region-heartbeat-interval-ms', '300', '--store-heartbeat-interval-ms', '300'];
    return new CommandCluster(await ProcessCluster.start({ programs, nodes, nodeOptions }));
  }

  get directory(): string {
    return this.processes.directory;
  }

  get schedulerAddress(): string {
    return this.processes.schedulerAddress;
  }

  /** Runs one command line of `flotilla` to its end. */
  run(args: readonly string[], input?: string | Uint8Array): Promise<ProcessEnd> {
    return this.spawn(args, input).ended;
  }

  /** Starts one command line of `flotilla`. */
  spawn(args: readonly string[], input?: string | Uint8Array): ProcessUnderTest {
    const line = [programs.flotilla, '--scheduler', this.schedulerAddress, ...args];
    return new ProcessUnderTest(`flotilla ${args[0]}`, line, { input });
  }

  async status(): Promise<ClusterStatus> {
    const { code, output, errors } = await this.run(['status', '--json', '--timeout-ms', '3000']);
    if (code !== 0) throw new Error(`status exited with ${code}: ${errors}`);
    return JSON.parse(output.toString()) as ClusterStatus;
  }

  /** Ends every process, by its id, and removes the directories. */
  close(): Promise<void> {
    return this.processes.close();
  }
}
