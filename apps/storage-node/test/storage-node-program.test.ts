import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CommandLine, OptionsError, readCommandLine } from '@flotilla/program';
import { CommanderError } from 'commander';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { StorageNodeConfig } from '../src/config.ts';
import { storageNodeProgram } from '../src/storage-node-program.ts';

let directory: string;
let output: string;
let errors: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flotilla-node-'));
  output = '';
  errors = '';
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function read(args: readonly string[], environment: Record<string, string> = {}): CommandLine<StorageNodeConfig> {
  return readCommandLine(storageNodeProgram, args, environment, {
    version: '1.2.3',
    writeOut: (text) => {
      output += text;
    },
    writeError: (text) => {
      errors += text;
    },
  });
}

test('reads flags, and the file that the environment names', async () => {
  const file = join(directory, 'node.json');
  await writeFile(file, '{"dataDir":"/file","http":"127.0.0.1:9"}');
  const { config, printConfig } = read(['--data-dir', '/flag', '--print-config'], { FLOTILLA_CONFIG: file });
  expect(config).toMatchObject({ dataDir: '/flag', http: '127.0.0.1:9', listen: '127.0.0.1:7410' });
  expect(printConfig).toBe(true);
});

test('reads back the configuration that it prints', async () => {
  const file = join(directory, 'node.json');
  const { config } = read(['--scheduler', 'pd.example:7400', '--election-ticks', '20']);
  await writeFile(file, JSON.stringify(config));
  expect(read(['--config', file]).config).toEqual(config);
});

test('shows every option in the help', () => {
  expect(() => read(['--help'])).toThrow(CommanderError);
  for (const flag of ['--data-dir <path>', '--scheduler <host:port>', '--log-gc-max-entries <entries>', '--config']) {
    expect(output).toContain(flag);
  }
  expect(output).toContain('(default: 127.0.0.1:7410)');
});

test('refuses unknown flags with a suggestion, and stray arguments', () => {
  expect(() => read(['--data-dri', 'x'])).toThrow(CommanderError);
  expect(errors).toContain("unknown option '--data-dri'\n(Did you mean --data-dir?)");
  expect(() => read(['here'])).toThrow(CommanderError);
});

test('says that the file cannot be read', () => {
  const path = join(directory, 'absent.json');
  expect(() => read(['--config', path])).toThrow(OptionsError);
});
