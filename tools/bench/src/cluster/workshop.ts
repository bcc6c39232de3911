import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child, type ChildPlan } from './child.ts';

/** Everything that a run of the benchmark leaves outside of this process: its child processes and its directory. */
export class Workshop {
  readonly directory: string;
  readonly #children: Child[] = [];
  #isClosed = false;

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), 'flotilla-bench-'));
  }

  get children(): readonly Child[] {
    return this.#children;
  }

  /** A directory of that name. */
  makeDirectory(name: string): string {
    const path = join(this.directory, name);
    mkdirSync(path);
    return path;
  }

  logPath(name: string): string {
    return join(this.directory, `${name}.log`);
  }

  start(plan: ChildPlan): Child {
    const child = new Child(plan);
    this.#children.push(child);
    return child;
  }

  /** Ends what runs, at once, and removes the directory. May be called twice. */
  async clear(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const child of this.#children) child.kill();
    await Promise.all(this.#children.map((child) => child.ended));
    rmSync(this.directory, { recursive: true, force: true });
  }
}
