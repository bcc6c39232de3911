import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const bin = fileURLToPath(new URL('../bin/flotilla-scheduler.js', import.meta.url));

/** How a process ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A scheduler in a process of its own, killed at the test's end if it still runs. */
export interface SchedulerProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves once it serves, with its addresses; rejects when it ends before. */
  readonly serving: Promise<{ readonly listen: string; readonly http: string }>;
}

/** Starts the real command with JSON logs; ports are chosen by the system unless given. */
export function startProcess(args: readonly string[], env: Readonly<Record<string, string>> = {}): SchedulerProcess {
  const child = spawn(process.execPath, [bin, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let stdout = '';
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  const serving = new Promise<{ listen: string; http: string }>((resolve, reject) => {
    let listen: string | undefined;
    createInterface({ input: child.stdout }).on('line', (line) => {
      stdout += `${line}\n`;
      const fields = line.startsWith('{"level"') ? JSON.parse(line) : {};
      listen ??= fields.listen;
      if (listen !== undefined && fields.http !== undefined) resolve({ listen, http: fields.http });
    });
    ended.then(({ code }) => reject(new Error(`ended with ${code} before it served: ${stderr}`)), reject);
  });
  // A test that expects a refusal does not wait for this.
  serving.catch(() => {});
  return { child, ended, serving };
}

/** Starts a scheduler on free ports over `dataDir`. */
export function startScheduler(dataDir: string, ...more: readonly string[]): SchedulerProcess {
  return startProcess(['--data-dir', dataDir, '--listen', '127.0.0.1:0', '--http', '127.0.0.1:0', ...more]);
}

/** A directory that is deleted at the test's end. */
export async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'flotilla-scheduler-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}
