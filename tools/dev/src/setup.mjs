// What every command of the checkout begins with: a Node that is new enough, and the packages of the lockfile.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the checkout, without a trailing separator. */
export const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/[\\/]$/, '');

const minimumNode = [20, 19];

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > minimumNode[0] || (major === minimumNode[0] && minor >= minimumNode[1])) return;
  process.stderr.write(`Flotilla needs Node ${minimumNode.join('.')} or newer; this is ${process.versions.node}.\n`);
  process.exit(69);
}

/** Installs from the lockfile unless what is installed already comes from this very lockfile. */
function installWhenNeeded() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.flotilla-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  process.stderr.write('Installing packages from the lockfile ...\n');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { quiet: true });
  writeFileSync(stamp, lock);
}

/**
 * Runs a command from the root and ends this process when it fails. A quiet command's output is shown only then.
 */
export function run(command, args, { quiet = false } = {}) {
  const result = runToEnd(command, args, { quiet });
  if (result.status === 0) return;
  if (quiet) process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
  process.stderr.write(`${command} ${args.join(' ')} failed\n`);
  process.exit(result.status ?? 1);
}

/** Runs a command from the root and returns how it ended. */
export function runToEnd(command, args, { quiet = false } = {}) {
  return spawnSync(command, args, {
    cwd: root,
    env: quietNx(process.env),
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    shell: process.platform === 'win32',
  });
}

/** nx without a daemon, a terminal interface, questions or a network. */
function quietNx(environment) {
  return {
    ...environment,
    NX_DAEMON: 'false',
    NX_TUI: 'false',
    NX_NO_CLOUD: 'true',
    NX_INTERACTIVE: 'false',
    npm_config_yes: 'false',
  };
}

/** The program of an installed package. */
export function bin(name) {
  return join(root, 'node_modules', '.bin', name);
}

/** Node and packages in place. */
export function setUp() {
  requireNode();
  installWhenNeeded();
}

/** Node, packages and every package's build in place; `projects` limits the build to those and what they need. */
export function setUpAndBuild({ projects = [], quiet = false } = {}) {
  setUp();
  if (quiet) process.stderr.write('Building ...\n');
  const only = projects.length > 0 ? ['-p', projects.join(',')] : [];
  run(bin('nx'), ['run-many', '-t', 'build', ...only, '--output-style=static'], { quiet });
}
