import { CommanderError } from 'commander';
import { expect, test } from 'vitest';
import { readCommandLine } from '../src/command-line.ts';
import { echoProgram } from './readme-example.ts';

function read(args: readonly string[], program = echoProgram, environment: Readonly<Record<string, string>> = {}) {
  const said = { out: '', error: '' };
  const output = {
    version: '1.2.3',
    writeOut: (text: string) => {
      said.out += text;
    },
    writeError: (text: string) => {
      said.error += text;
    },
  };
  const answer = (): unknown => {
    try {
      return readCommandLine(program, args, environment, output);
    } catch (error) {
      return error;
    }
  };
  return { answer: answer(), ...said };
}

test('reads flags', () => {
  const { answer } = read(['--keep-ms', '5', '--print-config']);
  expect(answer).toEqual({ config: { listen: '127.0.0.1:7499', keepMs: 5 }, printConfig: true });
});

test('lists options with their defaults, under the headings they have', () => {
  const options = echoProgram.options.map((option) => ({ ...option, group: 'Echo' }));
  const { answer, out } = read(['--help'], { ...echoProgram, options, lastGroup: 'Other' });
  expect(answer).toBeInstanceOf(CommanderError);
  expect(out).toMatch(/Echo:\n +--listen <host:port> +gRPC \(default: 127\.0\.0\.1:7499\)\n +--keep-ms <ms>/);
  expect(out).toMatch(/Other:\n +--config <file>/);
  expect(out).toContain('Exit codes: 0 stopped');
});

test('lists options without headings in one list', () => {
  expect(read(['--help']).out).not.toMatch(/^(?!Options|Usage|Exit codes)\w[\w ]*:/m);
});

test('names the file that cannot be read', () => {
  const { answer } = read([], echoProgram, { FLOTILLA_ECHO_CONFIG: '/absent/echo.json' });
  expect(answer).toMatchObject({
    code: 'invalidOptions',
    lines: [expect.stringMatching(/^--config \/absent\/echo\.json: cannot be read: ENOENT/)],
  });
});
