import type { errorpb } from '@flotilla/protocol';
import { errorOf, getCommand, headerOf, putCommand } from './command.ts';
import type { TestCluster, TestNode } from './test-cluster.ts';

/** How an operation ended for its client. */
type Outcome = 'ok' | 'noEffect' | 'unknown';

/**
 * One client with one key that nobody else writes: it puts rising numbers and reads them back, and complains as soon as a
 * read shows less than what was acknowledged before it began, or more than what was ever asked for, or a number that was
 * refused.
 */
export class RegisterClient {
  readonly key: string;
  /** The highest number that was acknowledged. */
  acknowledged = 0;
  /** The highest number that was asked for. */
  asked = 0;
  answered = 0;
  readonly complaints: string[] = [];
  readonly #cluster: TestCluster;
  readonly #refused = new Set<number>();
  #isBusy = false;
  #operation = 0;

  constructor(cluster: TestCluster, name: string) {
    this.#cluster = cluster;
    this.key = `register ${name}`;
  }

  /** Begins an operation on a node that may lead, unless one is under way. */
  step(node: TestNode, timeoutMs: number): void {
    if (this.#isBusy || node.store === undefined) return;
    this.#isBusy = true;
    this.#operation += 1;
    const operation = this.#operation;
    // A client gives up in the end; the operation it gave up on may still take effect.
    this.#cluster.clock.timers.after(timeoutMs, () => {
      if (this.#operation === operation) this.#isBusy = false;
    });
    if (operation % 3 === 0) void this.#read(node, operation);
    else void this.#write(node, operation);
  }

  /** Compares what is there at the end with what is known. */
  check(final: string | undefined): void {
    this.#compare('at the end', Number(final ?? '0'), this.acknowledged);
  }

  async #write(node: TestNode, operation: number): Promise<void> {
    this.asked += 1;
    const number = this.asked;
    const header = headerOf(this.#cluster.regionOn(node));
    const result = await node.store!.execute(putCommand(header, this.key, String(number)));
    this.answered += 1;
    const outcome = outcomeOf(errorOf(result));
    if (outcome === 'ok') this.acknowledged = Math.max(this.acknowledged, number);
    if (outcome === 'noEffect') this.#refused.add(number);
    this.#done(operation);
  }

  async #read(node: TestNode, operation: number): Promise<void> {
    const known = this.acknowledged;
    const result = await node.store!.execute(getCommand(headerOf(this.#cluster.regionOn(node)), this.key));
    this.answered += 1;
    if (errorOf(result) === undefined) {
      const value = result.response.responses[0]?.get?.value;
      this.#compare('in a read', value === undefined ? 0 : Number(Buffer.from(value).toString()), known);
    }
    this.#done(operation);
  }

  #done(operation: number): void {
    if (this.#operation === operation) this.#isBusy = false;
  }

  #compare(when: string, found: number, atLeast: number): void {
    if (found < atLeast) this.complaints.push(`${this.key} ${when}: ${found}, though ${atLeast} was acknowledged`);
    if (found > this.asked)
      this.complaints.push(`${this.key} ${when}: ${found}, though only ${this.asked} was asked for`);
    if (this.#refused.has(found)) this.complaints.push(`${this.key} ${when}: ${found}, which was refused`);
  }
}

function outcomeOf(error: errorpb.Error | undefined): Outcome {
  if (error === undefined) return 'ok';
  return error.outcomeUnknown === undefined ? 'noEffect' : 'unknown';
}
