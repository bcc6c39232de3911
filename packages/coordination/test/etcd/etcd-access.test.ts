import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSystemRuntime, silentLogger } from '@flotilla/runtime';
import { Etcd3 } from 'etcd3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type CoordinationBackend, type EtcdLocation, openEtcdBackend } from '../../src/index.ts';
import { type EtcdProcess, isEtcdInstalled, startEtcd } from './etcd-process.ts';

const runtime = createSystemRuntime({ logger: silentLogger });
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

function open(options: EtcdLocation): CoordinationBackend {
  const backend = openEtcdBackend({ ...options, runtime });
  onTestFinished(() => backend.close());
  return backend;
}

/** An etcd that lets in root, who may do everything, and guest, who may read and write below `guest/`. */
async function startGuarded(): Promise<EtcdProcess> {
  const etcd = await startEtcd();
  onTestFinished(() => etcd.stop());
  const client = new Etcd3({ hosts: etcd.endpoint });
  try {
    const auth = client.auth;
    await auth.roleAdd({ name: 'root' });
    await auth.userAdd({ name: 'root', password: 'root-secret' });
    await auth.userGrantRole({ user: 'root', role: 'root' });
    await auth.roleAdd({ name: 'guest' });
    const perm = { permType: 'Readwrite', key: Buffer.from('guest/'), range_end: Buffer.from('guest0') } as const;
    await auth.roleGrantPermission({ name: 'guest', perm });
    await auth.userAdd({ name: 'guest', password: 'guest-secret' });
    await auth.userGrantRole({ user: 'guest', role: 'guest' });
    await auth.authEnable();
  } finally {
    client.close();
  }
  return etcd;
}

describe.skipIf(!isEtcdInstalled())('an etcd with users', () => {
  test('lets in who has the password, to what they may use', async () => {
    const { endpoint } = await startGuarded();
    const guest = open({ endpoints: [endpoint], username: 'guest', password: 'guest-secret' });
    await guest.ping();
    await guest.put({ key: utf8('guest/a'), value: utf8('1') });
    await expect(guest.put({ key: utf8('a'), value: utf8('1') })).rejects.toMatchObject({ code: 'permissionDenied' });
    await expect(guest.range({ key: utf8('a') })).rejects.toMatchObject({ code: 'permissionDenied' });
    await expect(guest.watch({ key: utf8('a') }).next()).rejects.toMatchObject({ code: 'permissionDenied' });
    expect((await guest.watch({ key: utf8('guest/a') }).next()).value).toMatchObject({ type: 'progress' });
  }, 60_000);

  test('refuses a wrong password and nobody, and no error tells the password', async () => {
    const { endpoint } = await startGuarded();
    const wrong = open({ endpoints: [endpoint], username: 'guest', password: 'wrong-secret' });
    const refusal = await wrong.range({ key: utf8('guest/a') }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'unauthenticated' });
    expect(`${(refusal as Error).stack} ${JSON.stringify(refusal)}`).not.toContain('wrong-secret');
    await expect(wrong.watch({ key: utf8('guest/a') }).next()).rejects.toMatchObject({ code: 'unauthenticated' });
    const nobody = open({ endpoints: [endpoint] });
    await expect(nobody.put({ key: utf8('a'), value: utf8('1') })).rejects.toMatchObject({ code: 'unauthenticated' });
  }, 60_000);

  test('gets a new token when the server has forgotten the old one, for calls and for watches', async () => {
    const etcd = await startGuarded();
    const options = { username: 'guest', password: 'guest-secret', requestTimeoutMs: 20_000 };
    const guest = open({ endpoints: [etcd.endpoint], ...options });
    const { revision } = await guest.put({ key: utf8('guest/a'), value: utf8('1') });
    const watch = guest.watch({ key: utf8('guest/a'), startRevision: revision + 1n });
    await watch.next();
    // Its tokens live in memory.
    await etcd.kill();
    etcd.start();
    await etcd.healthy();
    const again = await guest.put({ key: utf8('guest/a'), value: utf8('2') });
    expect((await watch.next()).value).toMatchObject({ type: 'events', revision: again.revision });
  }, 60_000);

  test('is served where it asks for no password', async () => {
    const etcd = await startEtcd();
    onTestFinished(() => etcd.stop());
    await open({ endpoints: [etcd.endpoint], username: 'guest', password: 'guest-secret' }).ping();
  }, 60_000);
});

describe.skipIf(!isEtcdInstalled() || !hasOpenssl)('an etcd behind TLS', () => {
  test('is reached with the authority and the certificate that it asks for, and not without', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'flotilla-tls-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
    const made = spawnSync('openssl', [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-keyout', key, '-out', cert],
      ...['-subj', '/CN=etcd', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:etcd.test'],
    ]);
    expect(made.status, String(made.stderr)).toBe(0);
    const args = ['--cert-file', cert, '--key-file', key, '--trusted-ca-file', cert, '--client-cert-auth'];
    const etcd = await startEtcd({ args, scheme: 'https', untilHealthy: false });
    onTestFinished(() => etcd.stop());
    const own = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
    const backend = open({ endpoints: [`https://${etcd.endpoint}`], tls: { ca: own.cert, ...own } });
    await backend.ping({ timeoutMs: 20_000 });
    await backend.put({ key: utf8('a'), value: utf8('1') });
    const named = open({ endpoints: [etcd.endpoint], tls: { ca: own.cert, ...own, serverName: 'etcd.test' } });
    expect((await named.range({ key: utf8('a') })).count).toBe(1);
    for (const tls of [{}, { ca: own.cert, ...own, serverName: 'other.test' }, { ca: own.cert }, undefined]) {
      const refused = open({ endpoints: [etcd.endpoint], tls, requestTimeoutMs: 1000 });
      await expect(refused.ping(), JSON.stringify(Object.keys(tls ?? {}))).rejects.toMatchObject({
        code: expect.stringMatching('unavailable|timeout'),
      });
    }
  }, 60_000);
});
