import type { ClusterMember, ProcessCluster, ProcessEnd } from '@flotilla/test-harness';

/** The processes of the cluster, each of which must run unless a fault excuses its end. */
export class Members {
  readonly cluster: ProcessCluster;
  readonly #onViolation: (text: string) => void;
  readonly #excuses = new Map<ClusterMember, number>();
  #isOver = false;

  constructor(cluster: ProcessCluster, onViolation: (text: string) => void) {
    this.cluster = cluster;
    this.#onViolation = onViolation;
  }

  /** Starts a member unless it runs. */
  ensureRunning(member: ClusterMember): void {
    if (this.cluster.isRunning(member) || this.#isOver) return;
    const child = this.cluster.spawn(member);
    child.ended.then(
      (end) => this.#judgeEnd(member, end),
      (error: unknown) => this.#onViolation(`${child.name} could not be started: ${String(error)}`),
    );
  }

  /** Allows a member to end, until what it returns is called. */
  excuse(member: ClusterMember): () => void {
    this.#excuses.set(member, (this.#excuses.get(member) ?? 0) + 1);
    let isOver = false;
    return () => {
      if (!isOver) this.#excuses.set(member, (this.#excuses.get(member) ?? 0) - 1);
      isOver = true;
    };
  }

  /** Ends a member as a power cut would. */
  async kill(member: ClusterMember): Promise<void> {
    const settle = this.excuse(member);
    await this.cluster.kill(member);
    settle();
  }

  /** Asks a member to stop; answers how it ended. */
  async stop(member: ClusterMember): Promise<ProcessEnd | undefined> {
    const settle = this.excuse(member);
    const end = await this.cluster.stop(member);
    settle();
    return end;
  }

  /** Ends every process. */
  async close(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.cluster.members.map((member) => this.cluster.kill(member)));
  }

  async #judgeEnd(member: ClusterMember, { code, signal }: ProcessEnd): Promise<void> {
    if (this.#isOver || (this.#excuses.get(member) ?? 0) > 0) return;
    const { name, logPath } = this.cluster.planOf(member);
    const how = signal === null ? `with code ${code}` : `by ${signal}`;
    this.#onViolation(
      `${name} ended ${how} though nothing was wrong; see ${logPath}:\n${await this.#lastLine(member)}`,
    );
  }

  async #lastLine(member: ClusterMember): Promise<string> {
    const lines = (await this.cluster.logTail(member)).trimEnd().split('\n');
    return `  ${lines.at(-1)}`;
  }
}
