import {
  InvalidArgumentError,
  OutcomeUnknownError,
  type Pair,
  type RawClient,
  RegionRefusalError,
  UnavailableError,
} from '@flotilla/client';
import { errorpb } from '@flotilla/protocol';
import { HistoryRecorder } from '@flotilla/test-harness';
import { expect, it } from 'vitest';
import { elementKey, registerKeys, registerPrefix, setPrefix } from '../src/workload/key-space.ts';
import { RecordedClient, Tally } from '../src/workload/recorded-client.ts';
import { bytesOf } from '../src/workload/value-text.ts';

/** Answers as told: a value, pairs, or an error. */
function client(answer: Uint8Array | undefined | readonly Pair[] | Error) {
  const call = async () => {
    if (answer instanceof Error) throw answer;
    return answer as never;
  };
  async function* scanPages() {
    if (answer instanceof Error) throw answer;
    yield [...((answer as readonly Pair[] | undefined) ?? [])];
  }
  const raw: Pick<RawClient, 'get' | 'put' | 'delete' | 'scanPages'> = {
    get: call,
    put: call,
    delete: call,
    scanPages,
  };
  let nowMs = 0;
  const history = new HistoryRecorder({ monotonicMs: () => nowMs++, wallMs: () => 0 });
  const oddities: string[] = [];
  const tally = new Tally();
  const recorded = new RecordedClient(
    raw as RawClient,
    { history, onOddity: (text) => oddities.push(text) },
    tally,
    1_000,
  );
  const outcomes = () => history.operations().map(({ op, key, outcome, output }) => [op, key, outcome, output]);
  return { recorded, tally, oddities, outcomes };
}

const pair = (key: string, value: Uint8Array): Pair => ({ key: Buffer.from(key), value });
const refusal = new RegionRefusalError('refused', errorpb.Error.create({}));

it.each([
  [undefined, 'ok'],
  [new OutcomeUnknownError('?'), 'info'],
  [new UnavailableError('no'), 'fail'],
  [refusal, 'fail'],
] as const)('records a write that ends with %s as %s', async (answer, outcome) => {
  const { recorded, outcomes, oddities, tally } = client(answer);
  await recorded.put(1, 'k', 'a');
  await recorded.delete(1, 'k');
  await recorded.add(1, 's', 1, 's1');
  expect(outcomes().map(([op, , how]) => [op, how])).toEqual([
    ['put', outcome],
    ['delete', outcome],
    ['add', outcome],
  ]);
  expect(oddities).toEqual([]);
  expect(tally.ok + tally.failed + tally.unknown).toBe(3);
  expect(tally.ackedAtMs > 0).toBe(outcome === 'ok');
});

it('finds it odd when a call is called wrong, or when an error is none of the client', async () => {
  const wrong = client(new InvalidArgumentError('key: empty'));
  await wrong.recorded.put(1, 'k', 'a');
  expect(wrong.oddities).toEqual(['invalidArgument: key: empty']);
  expect(wrong.outcomes()[0]?.[2]).toBe('fail');
  const broken = client(new TypeError('undefined is not a function'));
  await broken.recorded.put(1, 'k', 'a');
  expect(broken.oddities[0]).toContain('undefined is not a function');
  // Nothing is known of what it did.
  expect(broken.outcomes()[0]?.[2]).toBe('info');
});

it('reads ids, absence, and values that nobody can have written', async () => {
  for (const [answer, output] of [
    [bytesOf('1.2'), '1.2'],
    [undefined, null],
    [Buffer.from('1.2|'), 'damaged value "1.2|"'],
  ] as const) {
    const { recorded, outcomes } = client(answer);
    await recorded.get(1, 'k');
    expect(outcomes()).toEqual([['get', 'k', 'ok', output]]);
  }
});

it('takes a scan of registers for a read of each, and tells of keys that are none', async () => {
  const keys = registerKeys(0);
  const { recorded, outcomes } = client([pair(keys[1]!, bytesOf('1.2')), pair('r/x', bytesOf('9.9'))]);
  expect(await recorded.scanRegisters(100, registerPrefix(0), keys)).toBe(true);
  expect(outcomes()).toEqual([
    ...keys.map((key, position) => ['get', key, 'ok', position === 1 ? '1.2' : null]),
    ['get', 'r/x', 'ok', '9.9'],
  ]);
});

it('takes a scan of sets for a read of each, with what does not belong', async () => {
  const sets = [setPrefix(0), setPrefix(1)];
  const right = elementKey(0, 5);
  const { recorded, outcomes } = client([
    pair(right, bytesOf(right)),
    pair(elementKey(0, 6), bytesOf('other')),
    pair('s/odd', bytesOf('s/odd')),
  ]);
  expect(await recorded.scanSets(100, 's/', sets)).toBe(true);
  expect(outcomes()).toEqual([
    ['read', sets[0], 'ok', [5, 'other']],
    ['read', sets[1], 'ok', []],
    ['read', 's/', 'ok', ['s/odd']],
  ]);
});

it('learns nothing from a scan that failed', async () => {
  const { recorded, outcomes } = client(refusal);
  expect(await recorded.scanSets(100, 's/', [setPrefix(0)])).toBe(false);
  expect(outcomes()).toEqual([['read', setPrefix(0), 'fail', null]]);
});
