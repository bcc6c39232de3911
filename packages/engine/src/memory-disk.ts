import { createRequire } from 'node:module';
import type { default as SortedBTree } from 'sorted-btree';
import { compareBytes } from './byte-order.ts';
import { EngineError, type EngineErrorCode } from './engine-error.ts';
import type { OperationBatch } from './write-batch.ts';

/** A sorted map of one database's pairs. */
export type PairTree = SortedBTree.default<Uint8Array, Uint8Array>;

// A default import of this CommonJS package is the class under vitest and its module under Node; `require` is the module always.
const BTree = (createRequire(import.meta.url)('sorted-btree') as typeof SortedBTree).default;

/** What a test can make a simulated disk do. Each hook is asked on every operation; an answer makes it fail so. */
export interface MemoryDiskFaults {
  /** Before a batch reaches the disk. After a failure nothing of the batch is there, and the engine takes no more writes. */
  readonly write?: (() => EngineErrorCode | undefined) | undefined;
  /** Before a sync; it may also wait, as a slow disk does. */
  readonly sync?: (() => Promise<EngineErrorCode | undefined> | EngineErrorCode | undefined) | undefined;
}

/** What a disk is about to do, or has just done, when its watch hears of it. */
export type MemoryDiskStep = 'write' | 'written' | 'sync' | 'synced';

/**
 * A simulated disk that holds one database. Writes happen in order; a sync makes every write so far durable; `crash`
 * drops the ones that were not. Outlives the engines opened over it, one at a time.
 */
export class MemoryDisk {
  faults: MemoryDiskFaults;
  /** Hears of each step of an open engine; it may crash the disk, and then the step fails. */
  watch: ((step: MemoryDiskStep) => void) | undefined;
  #current: PairTree = newTree();
  #durable: PairTree = newTree();
  #unsynced: OperationBatch[] = [];
  #writes = 0;
  #generation = 0;
  #isOpen = false;

  constructor(faults: MemoryDiskFaults = {}) {
    this.faults = faults;
  }

  /** Batches that a crash now would lose. */
  get unsyncedCount(): number {
    return this.#unsynced.length;
  }

  /** What a power cut now would leave of a key, if it takes everything that is not synced. */
  durable(key: Uint8Array): Uint8Array | undefined {
    return this.#durable.get(key);
  }

  /** The values of some keys after each power cut that is possible now: one for each number of un-synced batches kept. */
  possibleCrashes(keys: readonly Uint8Array[]): (Uint8Array | undefined)[][] {
    const tree = this.#durable.clone();
    const values = (): (Uint8Array | undefined)[] => keys.map((key) => tree.get(key));
    const possible = [values()];
    for (const batch of this.#unsynced) {
      applyTo(tree, batch);
      possible.push(values());
    }
    return possible;
  }

  /** Ends as a power cut does: of the un-synced batches the first `keep` survive; the open engine is dead. */
  crash(keep = 0): void {
    for (const batch of this.#unsynced.slice(0, keep)) applyTo(this.#durable, batch);
    this.#unsynced = [];
    this.#current = this.#durable.clone();
    this.#generation += 1;
    this.#isOpen = false;
  }

  /** What survives a power cut now, for {@link restore}. */
  durableImage(): PairTree {
    return this.#durable.clone();
  }

  /** Puts an earlier image in the place of all there is, as a log file does that lost its end. The disk must not be in use. */
  restore(image: PairTree): void {
    if (this.#isOpen) throw new EngineError('engineLocked', 'an engine uses this disk');
    this.#durable = image.clone();
    this.#current = image.clone();
    this.#unsynced = [];
  }

  /** Changes what is stored under a key, or takes it away, as a medium that rots does: at once, for good, without a word. */
  rot(key: Uint8Array, value: Uint8Array | undefined): void {
    for (const tree of [this.#current, this.#durable]) {
      if (value === undefined) tree.delete(key);
      else if (tree.has(key)) tree.set(key, value);
    }
  }

  /** Takes the disk for one engine. @throws {EngineError} with code `engineLocked`. */
  attach(): number {
    if (this.#isOpen) throw new EngineError('engineLocked', 'another engine uses this disk');
    this.#isOpen = true;
    this.#generation += 1;
    return this.#generation;
  }

  /** Gives the disk back; un-synced writes stay, since the system still has them. */
  detach(generation: number): void {
    if (this.isAttached(generation)) this.#isOpen = false;
  }

  /** Whether the engine that got `generation` still has the disk. */
  isAttached(generation: number): boolean {
    return this.#isOpen && this.#generation === generation;
  }

  /** The pairs as they are now; changes with later writes. */
  get pairs(): PairTree {
    return this.#current;
  }

  /** The pairs as they are now, for good. */
  freeze(): PairTree {
    return this.#current.clone();
  }

  write(batch: OperationBatch): void {
    const generation = this.#generation;
    this.#step('write', generation);
    const code = this.faults.write?.();
    if (code !== undefined) throw new EngineError(code, 'a simulated fault of a write');
    applyTo(this.#current, batch);
    this.#unsynced.push(batch);
    this.#writes += 1;
    this.#step('written', generation);
  }

  /** Makes every write that came before this call durable. */
  async sync(): Promise<void> {
    const target = this.#writes;
    const generation = this.#generation;
    this.#step('sync', generation);
    const code = await this.faults.sync?.();
    if (code !== undefined) throw new EngineError(code, 'a simulated fault of a sync');
    if (generation !== this.#generation) throw new EngineError('engineClosed', 'the disk crashed during a sync');
    const synced = this.#unsynced.splice(0, target - (this.#writes - this.#unsynced.length));
    for (const batch of synced) applyTo(this.#durable, batch);
    this.#step('synced', generation);
  }

  #step(step: MemoryDiskStep, generation: number): void {
    this.watch?.(step);
    if (generation !== this.#generation) throw new EngineError('engineClosed', 'the disk crashed');
  }
}

function newTree(): PairTree {
  return new BTree<Uint8Array, Uint8Array>(undefined, compareBytes);
}

function applyTo(tree: PairTree, batch: OperationBatch): void {
  batch.replay({ put: (key, value) => tree.set(key, value), delete: (key) => tree.delete(key) });
}
