import { readFileSync } from 'node:fs';

/** What a process has used since it began. */
export interface ProcessUsage {
  /** Seconds of CPU, user and system. */
  readonly cpuSeconds: number;
  /** The most memory it ever held, in bytes. */
  readonly peakBytes: number;
}

/** Clock ticks a second in `/proc`; the same on every Linux. */
const ticksPerSecond = 100;

/** Reads what a process has used; `undefined` where there is no `/proc`, or the process is gone. */
export function readProcessUsage(pid: number): ProcessUsage | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return parseProcessUsage(stat, status);
  } catch {
    return undefined;
  }
}

/** Reads `/proc/PID/stat` and `/proc/PID/status`. A name with spaces or brackets ends at the last bracket. Source: proc(5). */
export function parseProcessUsage(stat: string, status: string): ProcessUsage {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // Fields 14 and 15, of which the first two are cut off.
  const ticks = Number(fields[11]) + Number(fields[12]);
  const peakKib = Number(/^VmHWM:\s*(\d+) kB/m.exec(status)?.[1] ?? 0);
  return { cpuSeconds: ticks / ticksPerSecond, peakBytes: peakKib * 1024 };
}
