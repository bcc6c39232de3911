import { mkdtempSync, rmSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterMember, MemberPlacement } from '@flotilla/test-harness';
import type { FaultNeed } from '../fault/fault-kind.ts';
import { runCommand } from './command.ts';
import { Network } from './network.ts';
import { SmallDisk } from './small-disk.ts';
import { compileSyncFaults, SyncFaults } from './sync-faults.ts';

/** What a run takes place in: a directory, and as much control over network, disks and syncs as the machine allows. */
export class World {
  readonly directory: string;
  readonly network: Network | undefined;
  /** One for each node, or none. */
  readonly disks: readonly SmallDisk[];
  /** One for each node, or none. */
  readonly syncs: readonly SyncFaults[];
  /** What cannot be done here and why. */
  readonly notices: readonly string[];

  /** `isolation` is undefined for a process that is isolated, and otherwise says why it is not. */
  constructor(nodes: number, isolationProblem: string | undefined) {
    this.directory = mkdtempSync(join(tmpdir(), 'flotilla-chaos-'));
    const notices: string[] = [];
    const attempt = <T>(what: string, make: () => T): T | undefined => {
      try {
        if (isolationProblem !== undefined) throw new Error(isolationProblem);
        return make();
      } catch (error) {
        notices.push(`skipping ${what}, which need root: ${(error as Error).message}`);
        return undefined;
      }
    };
    const each = Array.from({ length: nodes }, (_, node) => node);
    if (isolationProblem === undefined) runCommand('ip', 'link', 'set', 'lo', 'up');
    this.network = attempt('cut links', () => Network.create(nodes));
    this.disks =
      attempt('full disks', () => each.map((node) => SmallDisk.create(join(this.directory, `disk-${node + 1}`)))) ?? [];
    const compiled = compileSyncFaults(this.directory);
    if ('problem' in compiled) {
      notices.push(`skipping slow and failing syncs: ${compiled.problem}`);
      this.syncs = [];
    } else {
      const { library } = compiled;
      this.syncs = each.map((node) => new SyncFaults(library, join(this.directory, `syncs-${node + 1}`)));
    }
    this.notices = notices;
  }

  /** Whether faults with a need can be made here. */
  has(need: FaultNeed): boolean {
    switch (need) {
      case 'processes':
        return true;
      case 'network':
        return this.network !== undefined;
      case 'disk':
        return this.disks.length > 0;
      case 'syncs':
        return this.syncs.length > 0;
    }
  }

  /** Where and how a member of the cluster runs. */
  placementOf(member: ClusterMember): MemberPlacement {
    const disk = member === 'scheduler' ? undefined : this.disks[member];
    const syncs = member === 'scheduler' ? undefined : this.syncs[member];
    return {
      host: this.network?.addressOf(member),
      launcher: this.network?.launcherOf(member),
      dataDir: disk?.path,
      environment: syncs?.environment,
    };
  }

  /** Puts the clients where they belong. */
  get clientLauncher(): readonly string[] {
    return this.network?.launcherOf('clients') ?? [];
  }

  /** Copies what would go with the disks, so that it can be looked at later. */
  async keep(): Promise<void> {
    for (const [node, disk] of this.disks.entries()) {
      await cp(disk.path, join(this.directory, `node-${node + 1}`), { recursive: true }).catch(() => {});
    }
  }

  /** Takes disks away, and the directory unless it is kept. */
  close(isKept: boolean): void {
    for (const disk of this.disks) disk.remove();
    if (!isKept) rmSync(this.directory, { recursive: true, force: true });
  }
}
