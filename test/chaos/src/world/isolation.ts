import { type ChildProcess, spawn, spawnSync } from 'node:child_process';

/**
 * A process's own view of the network, of mounts and of processes. What is made in there ends with the last process in it,
 * and that ends with the one outside: nothing is left on the machine, whatever becomes of the run.
 */
const unshare = ['unshare', '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'] as const;
/** For somebody who is not root, where the system lets everybody be root of a world of their own. */
const asRoot = ['--map-root-user'] as const;

/** Set for the process inside. */
const insideVariable = 'FLOTILLA_CHAOS_INSIDE';

/** Whether this process is the one inside. */
export function isInside(): boolean {
  return process.env[insideVariable] === '1';
}

/** The command that puts what follows it inside, or why there is none. */
export function findIsolation(): { readonly launcher: readonly string[] } | { readonly problem: string } {
  if (process.platform !== 'linux') return { problem: 'this is not Linux' };
  let problem = '';
  for (const launcher of [[...unshare], [...unshare, ...asRoot]]) {
    const [command = '', ...args] = [...launcher, 'true'];
    const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8' });
    if (status === 0) return { launcher };
    problem ||= error?.message ?? stderr.trim();
  }
  return { problem };
}

/** Runs this very program inside, with the same arguments. It is told to stop by `stopInside`, or by the end of this process. */
export function runInside(launcher: readonly string[]): ChildProcess {
  const [command = '', ...args] = [...launcher, process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  return spawn(command, args, {
    env: { ...process.env, [insideVariable]: '1' },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}
