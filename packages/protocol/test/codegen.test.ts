import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const packageRoot = fileURLToPath(new URL('..', import.meta.url));
const generator = join(packageRoot, '..', '..', 'tools', 'codegen', 'src', 'generate.mjs');

/** Generates from one message body; gives the exit code, what was said, and the module that was written. */
function generate(body: string): { status: number | null; stderr: string; read: () => string } {
  const directory = mkdtempSync(join(tmpdir(), 'flotilla-codegen-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, 'sample_pb.proto'), `syntax = "proto3"; package sample_pb; message M { ${body} }`);
  const output = join(directory, 'out');
  const run = spawnSync(process.execPath, [generator, directory, output], { cwd: packageRoot, encoding: 'utf8' });
  return { status: run.status, stderr: run.stderr, read: () => readFileSync(join(output, 'sample-pb.ts'), 'utf8') };
}

test.each([
  ['a type that the codecs do not know', 'fixed32 a = 1;', '.sample_pb.M.a: unsupported field type fixed32'],
  ['a zigzag number', 'sint64 a = 1;', '.sample_pb.M.a: unsupported field type sint64'],
  ['a map', 'map<string, uint32> a = 1;', '.sample_pb.M.a: map fields are not supported'],
])('refuses %s by name rather than leave it out', (_what, body, message) => {
  const { status, stderr } = generate(body);
  expect(status).not.toBe(0);
  expect(stderr).toContain(message);
});

test('writes fields in the order of their numbers, and imports only what it uses', () => {
  const { status, stderr, read } = generate('string second = 7; uint64 first = 3 [jstype = JS_STRING];');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const text = read();
  expect(text).toMatch(/readonly first: bigint;\s+readonly second: string;/);
  expect(text).toContain(
    'import { type Codec, WireError, decodeWhole, encodeWhole, readUint64Big, writeUint64Big } from',
  );
});
