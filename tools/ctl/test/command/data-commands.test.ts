import { beforeEach, describe, expect, test } from 'vitest';
import { CommandBench } from '../run-command.ts';

let bench: CommandBench;
beforeEach(() => {
  bench = new CommandBench();
});

describe('put', () => {
  test('writes and says nothing to a pipe', async () => {
    expect(await bench.run('put', 'hello', 'world')).toBe(0);
    expect(bench.cluster.pairs).toEqual(new Map([['hello', 'world']]));
    expect(bench.terminal.output).toBe('');
    expect(bench.cluster.closed).toBe(1);
  });

  test('says ok to people, and an object with --json', async () => {
    bench.terminal.isOutputTty = true;
    await bench.run('put', 'hello', 'world');
    expect(bench.terminal.output).toBe('ok\n');
    bench.clear();
    await bench.run('put', 'hello', 'world', '--json');
    expect(bench.terminal.output).toBe('{"ok":true}\n');
  });

  test('reads a value from standard input byte for byte', async () => {
    bench.terminal.type(Buffer.from([0xff, 0x00]), 'x\n');
    expect(await bench.run('put', 'bytes', '-')).toBe(0);
    expect(bench.cluster.pairs.get('bytes')).toBe('\xff\x00x\n');
  });

  test('decodes hexadecimal and base64', async () => {
    await bench.run('put', '--hex', '00ff', '61');
    await bench.run('put', '--base64', 'AP8=', 'Yg==');
    bench.terminal.type('63\n');
    await bench.run('put', '--hex', '01', '-');
    expect(bench.cluster.history).toEqual([
      ['\x00\xff', 'a'],
      ['\x00\xff', 'b'],
      ['\x01', 'c'],
    ]);
  });

  test.each([
    [['', 'v'], 65, 'KEY is empty; a key has at least one byte'],
    [['k'.repeat(17), 'v'], 65, 'key has 17 bytes; the limit is 16'],
    [['k', 'v'.repeat(33)], 65, 'value has 33 bytes; the limit is 32'],
    [['--hex', 'zz', '61'], 64, 'KEY must be an even number of hexadecimal digits'],
    [['--base64', 'YQ==', 'Y'], 64, 'VALUE must be padded base64'],
    [['--hex', '--base64', '61', '61'], 64, '--hex and --base64 exclude each other'],
  ])('refuses %j', async (args, code, message) => {
    expect(await bench.run('put', ...args)).toBe(code);
    expect(bench.terminal.errors).toBe(`${message}\n`);
    expect(bench.cluster.history).toEqual([]);
  });

  test('refuses an input that is too large without reading all of it', async () => {
    bench.terminal.input = (async function* () {
      for (;;) yield Buffer.alloc(10);
    })();
    expect(await bench.run('put', 'k', '-')).toBe(65);
    expect(bench.terminal.errors).toBe('value has more than 32 bytes, the limit\n');
  });

  test.each([
    ['invalidArgument', 65],
    ['deadlineExceeded', 69],
    ['regionError', 69],
    ['unavailable', 69],
    ['outcomeUnknown', 75],
    ['anythingElse', 70],
  ])('maps the failure %s to an exit code', async (code, expected) => {
    bench.cluster.onPut = () => {
      throw Object.assign(new Error('no'), { code });
    };
    expect(await bench.run('put', 'k', 'v')).toBe(expected);
    expect(bench.cluster.closed).toBe(1);
  });
});

describe('get', () => {
  beforeEach(() => {
    bench.cluster.pairs.set('a', 'b').set('bytes', '\xff').set('empty', '');
  });

  test('prints the value as it is stored, and a line end on a terminal only', async () => {
    expect(await bench.run('get', 'a')).toBe(0);
    expect(bench.terminal.output).toBe('b');
    bench.clear();
    bench.terminal.isOutputTty = true;
    await bench.run('get', 'a');
    expect(bench.terminal.output).toBe('b\n');
  });

  test('tells an absent key from an empty value by the exit code', async () => {
    expect(await bench.run('get', 'empty')).toBe(0);
    expect(await bench.run('get', 'absent')).toBe(1);
    expect(bench.terminal.output).toBe('');
    expect(bench.terminal.errors).toBe('');
  });

  test('prints JSON, in base64 where the bytes are no text', async () => {
    await bench.run('get', 'a', '--json');
    await bench.run('get', 'bytes', '--json');
    await bench.run('get', '--hex', '61', '--json');
    expect(bench.terminal.output).toBe(
      '{"key":"a","value":"b"}\n{"key":"Ynl0ZXM=","value":"/w==","encoding":"base64"}\n{"key":"61","value":"62","encoding":"hex"}\n',
    );
  });
});

test('delete removes, whether the key is there or not', async () => {
  bench.cluster.pairs.set('a', 'b');
  expect(await bench.run('delete', 'a')).toBe(0);
  expect(await bench.run('delete', 'a')).toBe(0);
  expect(bench.cluster.pairs.size).toBe(0);
});

describe('scan', () => {
  beforeEach(() => {
    for (const key of ['b', 'a', 'ab', 'c\td', '\xff']) bench.cluster.pairs.set(key, `${key}!`);
  });

  test('prints pairs in key order as TSV that load reads back', async () => {
    expect(await bench.run('scan')).toBe(0);
    expect(Buffer.concat(bench.terminal.chunks).toString('latin1')).toBe(
      'a\ta!\nab\tab!\nb\tb!\nc\\td\tc\\td!\n\xff\t\xff!\n',
    );
  });

  test('stays within start and end, prefix and limit', async () => {
    await bench.run('scan', 'ab', 'c', '--keys-only');
    await bench.run('scan', '--prefix', 'a', '--keys-only');
    await bench.run('scan', '--limit', '1', '--keys-only');
    await bench.run('scan', '--prefix', 'ff', '--hex', '--keys-only');
    expect(bench.terminal.output).toBe('ab\nb\na\nab\na\nff\n');
  });

  test('prints NDJSON that load reads back', async () => {
    await bench.run('scan', 'c', '--json');
    expect(bench.terminal.output).toBe(
      '{"key":"c\\td","value":"c\\td!"}\n{"key":"/w==","value":"/yE=","encoding":"base64"}\n',
    );
  });

  test('goes on page after page', async () => {
    bench.cluster.pairs.clear();
    const keys = Array.from({ length: 2_500 }, (_, number) => String(number).padStart(5, '0'));
    for (const key of keys) bench.cluster.pairs.set(key, '');
    await bench.run('scan', '--keys-only');
    expect(bench.terminal.output).toBe(keys.map((key) => `${key}\n`).join(''));
  });

  test('does not let data command a terminal', async () => {
    bench.cluster.pairs.clear();
    bench.cluster.pairs.set('k', '\x1b[2J');
    bench.terminal.isOutputTty = true;
    bench.terminal.isErrorTty = true;
    await bench.run('scan');
    expect(bench.terminal.output).toBe('k\t\u{fffd}[2J\n');
    expect(bench.terminal.errors).toBe('1 record\n');
  });

  test.each([
    [['c', 'b'], 'START comes after END; nothing can lie between them'],
    [['a', '--prefix', 'b'], '--prefix and START exclude each other'],
  ])('refuses %j', async (args, message) => {
    expect(await bench.run('scan', ...args)).toBe(64);
    expect(bench.terminal.errors).toBe(`${message}\n`);
  });
});

describe('the command line', () => {
  test.each([
    [['putt', 'a', 'b'], "unknown command 'putt'\n(Did you mean put?)"],
    [['get'], "missing required argument 'key'"],
    [['get', 'a', 'b'], 'too many arguments'],
    [['get', 'a', '--jsn'], "unknown option '--jsn'\n(Did you mean --json?)"],
    [['get', 'a', '--timeout-ms', 'soon'], 'Expected a whole number from 1 to 3600000.'],
    [['get', 'a', '--scheduler', 'here'], 'Expected host:port.'],
    [['load', 'x', '--format', 'csv'], 'Allowed choices are ndjson, tsv.'],
  ])('refuses %j and says what is wrong', async (args, message) => {
    expect(await bench.run(...args)).toBe(64);
    expect(bench.terminal.errors).toContain(message);
    expect(bench.cluster.closed).toBe(0);
  });
});
