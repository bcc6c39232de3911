import { type Coordinator, type CoordinatorOptions, create } from '@flotilla/coordination';
import type { Runtime } from '@flotilla/runtime';
import { CommandError, type GlobalOptions } from '../command-context.ts';
import { exitCode } from '../exit-code.ts';

/**
 * Opens coordination: of the etcd cluster that the options name, or of the cluster of storage nodes.
 *
 * @throws {CommandError} for a user without a password; {CoordinationError}.
 */
export async function connectCoordinator(
  { etcd, etcdUser, scheduler, timeoutMs }: GlobalOptions,
  runtime: Runtime,
): Promise<Coordinator> {
  const where: CoordinatorOptions =
    etcd === undefined ? { cluster: { schedulers: [scheduler] } } : { endpoints: etcd, ...userOf(etcdUser) };
  return create({ ...where, dialTimeoutMs: timeoutMs, runtime });
}

function userOf(user: string | undefined): Pick<CoordinatorOptions, 'username' | 'password'> {
  if (user === undefined) return {};
  const at = user.indexOf(':');
  // What was given is not repeated: it may be a password.
  if (at < 1) throw new CommandError('--etcd-user: expected NAME:PASSWORD', exitCode.usage);
  return { username: user.slice(0, at), password: user.slice(at + 1) };
}
