import type { Random } from '@flotilla/runtime';
import {
  errorOf,
  getCommand,
  HistoryRecorder,
  headerOf,
  type Operation,
  putCommand,
  type TestCluster,
  type TestNode,
} from '@flotilla/test-harness';

const keys = ['left', 'right'];
const givenUpAfterMs = 1_500;

/** Clients that put and get a few keys on whatever node they choose, and a record of what they saw. */
export class RegisterWorkload {
  readonly #cluster: TestCluster;
  readonly #random: Random;
  readonly #recorder: HistoryRecorder;
  readonly #busy: boolean[];
  readonly #replicaReads: boolean;
  #values = 0;
  /** Reads that were answered. */
  reads = 0;

  constructor(cluster: TestCluster, clients: number, options: { readonly replicaReads?: boolean } = {}) {
    this.#cluster = cluster;
    this.#random = cluster.world.random.fork('workload');
    this.#recorder = new HistoryRecorder(cluster.clock.clock);
    this.#busy = new Array<boolean>(clients).fill(false);
    this.#replicaReads = options.replicaReads ?? false;
  }

  get operations(): Operation[] {
    return this.#recorder.operations();
  }

  /** Lets every client without an operation begin one. */
  step(): void {
    for (const [client, isBusy] of this.#busy.entries()) {
      const node = isBusy ? undefined : this.#choose();
      if (node !== undefined) this.#begin(client, node);
    }
  }

  /** Mostly a node that takes itself for the leader, be it right or not; else any. */
  #choose(): TestNode | undefined {
    const running = this.#cluster.nodes.filter((node) => node.store !== undefined);
    const leading = running.filter((node) => this.#cluster.statusOf(node)?.leader?.storeId === node.storeId);
    const among = leading.length > 0 && this.#random.fraction() < 0.7 ? leading : running;
    return among[this.#random.integer(0, Math.max(among.length, 1))];
  }

  #begin(client: number, node: TestNode): void {
    const key = keys[this.#random.integer(0, keys.length)]!;
    const isRead = this.#random.fraction() < 0.7;
    this.#values += 1;
    const value = isRead ? null : `v${this.#values}`;
    const header = { ...headerOf(this.#cluster.regionOn(node)), replicaRead: isRead && this.#replicaReads };
    const request = value === null ? getCommand(header, key) : putCommand(header, key, value);
    const operation = this.#recorder.invoke(client, isRead ? 'get' : 'put', key, value);
    this.#busy[client] = true;
    let isOver = false;
    const end = (finish: () => void): void => {
      if (isOver) return;
      isOver = true;
      this.#busy[client] = false;
      finish();
    };
    const timer = this.#cluster.clock.timers.after(givenUpAfterMs, () =>
      end(() => (isRead ? operation.fail() : operation.info())),
    );
    void node.store!.execute(request).then((result) => {
      timer.cancel();
      const error = errorOf(result);
      if (error !== undefined) {
        end(() => (error.outcomeUnknown === undefined ? operation.fail() : operation.info()));
        return;
      }
      if (!isRead) {
        end(() => operation.ok());
        return;
      }
      this.reads += 1;
      const found = result.response.responses[0]?.get?.value;
      end(() => operation.ok(found === undefined ? null : Buffer.from(found).toString()));
    });
  }
}
