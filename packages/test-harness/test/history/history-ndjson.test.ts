import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatHistory, type HistoryEvent, pairEvents, parseHistory } from '../../src/index.ts';

const invoke: HistoryEvent = { process: 3, type: 'invoke', op: 'put', key: 'x', value: 'é\n', time: 1_250_000 };
const line = JSON.stringify(invoke);
const withField = (name: string, value: unknown): string => JSON.stringify({ ...invoke, [name]: value });

describe('a history as NDJSON', () => {
  it('has one event a line, its fields in order', () => {
    expect(formatHistory([invoke, { ...invoke, type: 'ok', value: null }])).toBe(
      '{"process":3,"type":"invoke","op":"put","key":"x","value":"é\\n","time":1250000}\n' +
        '{"process":3,"type":"ok","op":"put","key":"x","value":null,"time":1250000}\n',
    );
  });

  it('comes back as it was', () => {
    const value = fc.jsonValue({ maxDepth: 2 }).map((one) => JSON.parse(JSON.stringify(one)));
    const call = fc.tuple(fc.nat(4), fc.constantFrom('ok', 'fail', 'info'), fc.string(), value, value);
    fc.assert(
      fc.property(fc.array(call), (calls) => {
        const events = calls.flatMap(([process, type, key, input, output], index): HistoryEvent[] => [
          { process, type: 'invoke', op: 'put', key, value: input, time: index },
          { process, type: type as 'ok', op: 'put', key, value: output, time: index },
        ]);
        expect(parseHistory(formatHistory(events))).toEqual(events);
      }),
    );
  });

  it('may lack the last line feed, and hold empty lines and carriage returns', () => {
    expect(parseHistory(`\n${line}\r\n\n`)).toEqual([invoke]);
    expect(parseHistory('')).toEqual([]);
  });

  it.each([
    ['no JSON', '{"process":', 'is not JSON'],
    ['no object', '[]', 'is not an object'],
    ['null', 'null', 'is not an object'],
    ['an unknown field', withField('node', 1), 'has an unknown field "node"'],
    ['a negative process', withField('process', -1), 'process must be a whole number from 0'],
    ['an unknown type', withField('type', 'done'), 'type must be one of invoke, ok, fail, info'],
    ['no op', withField('op', ''), 'op must be a string that is not empty'],
    ['a key that is no string', withField('key', 7), 'key must be a string'],
    ['no value', withField('value', undefined), 'value is missing; write null for none'],
    ['a fraction of a nanosecond', withField('time', 0.5), 'time must be a whole number of nanoseconds from 0'],
    ['time that goes back', withField('time', 1), 'time goes back'],
    ['a second operation at once', withField('op', 'get'), 'process 3 has an operation under way: put'],
    [
      'an end without a beginning',
      JSON.stringify({ ...invoke, process: 4, type: 'ok' }),
      'process 4 has no operation under way',
    ],
    [
      'an end of another operation',
      JSON.stringify({ ...invoke, key: 'y', type: 'ok' }),
      'process 3 ends another operation than the put it began',
    ],
  ])('names the line that has %s', (_, malformed, message) => {
    expect(() => parseHistory(`${line}\n\n${malformed}\n`)).toThrow(
      expect.objectContaining({ code: 'malformedLine', line: 3, message: `line 3: ${message}` }),
    );
  });
});

describe('pairEvents', () => {
  it('makes operations with the order and time of both events', () => {
    const end: HistoryEvent = { ...invoke, type: 'ok', value: null, time: 2_000_000 };
    expect(pairEvents([invoke, end])).toEqual([
      {
        process: 3,
        op: 'put',
        key: 'x',
        input: 'é\n',
        output: null,
        outcome: 'ok',
        invokeOrder: 0,
        returnOrder: 1,
        invokedAtNs: 1_250_000,
        returnedAtNs: 2_000_000,
      },
    ]);
  });

  it('lets a process go on after an unknown outcome, and that operation stay open', () => {
    const events: HistoryEvent[] = [invoke, { ...invoke, type: 'info', value: null }, invoke];
    expect(pairEvents(events).map(({ outcome, returnOrder }) => [outcome, returnOrder])).toEqual([
      ['info', Infinity],
      ['info', Infinity],
    ]);
  });

  it('names the event that fits nothing', () => {
    expect(() => pairEvents([invoke, invoke])).toThrow(expect.objectContaining({ code: 'malformedHistory', line: 2 }));
    expect(() => pairEvents([invoke, { ...invoke, type: 'ok', time: 0 }])).toThrow('line 2: time goes back');
  });
});
