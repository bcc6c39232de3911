// `npm run relock`: writes package-lock.json so that it holds no registry host and serves every platform.
//
// A registry that mirrors only some platforms answers 404 for the binaries of the others; npm then leaves those optional
// packages out, and `npm ci` refuses the lock. Their names say which system they are for, so they are added back.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const arguments_ = [
  'install',
  '--package-lock-only',
  '--omit-lockfile-registry-resolved=false',
  ...process.argv.slice(2),
];
const { status } = spawnSync('npm', arguments_, { stdio: 'inherit', shell: process.platform === 'win32' });
if (status !== 0) process.exit(status ?? 1);

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
for (const entry of Object.values(lock.packages)) {
  if (typeof entry.resolved === 'string' && entry.resolved.startsWith('http')) delete entry.resolved;
}
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isLocked(path, name) || !/^\d/.test(version)) continue;
    lock.packages[`node_modules/${name}`] = {
      version,
      ...platformOf(name),
      ...(entry.dev === true ? { dev: true } : {}),
      optional: true,
    };
  }
}
const sorted = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1));
writeFileSync('package-lock.json', `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`);

function isLocked(path, name) {
  return `${path}/node_modules/${name}` in lock.packages || `node_modules/${name}` in lock.packages;
}

/** The `os`, `cpu` and `libc` fields that a platform package's name implies. */
function platformOf(name) {
  const find = (candidates) => candidates.find((candidate) => new RegExp(`(^|[-/])${candidate}(-|$)`).test(name));
  const os = find([
    'android',
    'darwin',
    'freebsd',
    'linux',
    'netbsd',
    'openbsd',
    'openharmony',
    'sunos',
    'win32',
    'aix',
    'wasm32',
  ]);
  const cpu = find(['arm64', 'x64', 'arm', 'ia32', 'ppc64', 's390x', 'riscv64', 'loong64', 'mips64el', 'wasm32']);
  const libc =
    os !== 'linux'
      ? undefined
      : find(['musl', 'musleabihf'])
        ? 'musl'
        : find(['gnu', 'gnueabihf'])
          ? 'glibc'
          : undefined;
  return {
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(libc === undefined ? {} : { libc: [libc] }),
    ...(os === undefined || os === 'wasm32' ? {} : { os: [os] }),
  };
}
