import { coordinationpb, etcdserverpb } from '@flotilla/protocol';
import { beforeEach, expect, test } from 'vitest';
import { MachineReplica } from './machine-replica.ts';

const key = (name: string): Uint8Array => new Uint8Array(Buffer.from(name));
const put = (name: string, value = new Uint8Array(0)) =>
  etcdserverpb.RequestOp.create({ requestPut: etcdserverpb.PutRequest.create({ key: key(name), value }) });
const transaction = (success: etcdserverpb.RequestOp[]) => etcdserverpb.TxnRequest.create({ success });
const { TooManyOperations, RequestTooLarge, DuplicateKey, InvalidArgument } = coordinationpb.ErrorCode;

let replica: MachineReplica;

beforeEach(async () => {
  replica = new MachineReplica();
  await replica.machine.load();
});

/** The code of the refusal; `undefined` for an answer. */
const commit = (txn: etcdserverpb.TxnRequest): number | undefined => replica.apply({ txn }).error?.code;

test.each([
  [127, undefined],
  [128, undefined],
  [129, TooManyOperations],
])('a list of %i operations', (count, code) => {
  expect(commit(transaction(Array.from({ length: count }, (_, index) => put(`k${index}`))))).toBe(code);
});

test('what a transaction has counts against those within it', () => {
  const inner = (count: number) =>
    etcdserverpb.RequestOp.create({
      requestTxn: transaction(Array.from({ length: count }, (_, index) => put(`k${index}`))),
    });
  expect(commit(transaction([inner(127)]))).toBeUndefined();
  expect(commit(transaction([inner(128)]))).toBe(TooManyOperations);
});

/** A transaction in a transaction, and so on. */
function nested(depth: number): etcdserverpb.TxnRequest {
  let txn = transaction([put('a')]);
  for (let level = 1; level < depth; level += 1) {
    txn = transaction([etcdserverpb.RequestOp.create({ requestTxn: txn })]);
  }
  return txn;
}

test.each([
  [31, undefined],
  [32, undefined],
  [33, TooManyOperations],
])('transactions nested %i deep', (depth, code) => {
  expect(commit(nested(depth))).toBe(code);
  expect(replica.read({ txn: nested(depth) }).error?.code).toBe(code ?? InvalidArgument);
});

test('transactions nested as deep as a call has room for are refused without exhausting the stack', () => {
  // By hand, since the codec is recursive: each level is a field of two lists, its length in three bytes.
  const parts: Uint8Array[] = [];
  let length = 0;
  const wrap = (field: number): void => {
    const size = [0x80 | (length & 0x7f), 0x80 | ((length >> 7) & 0x7f), length >> 14];
    const head = Uint8Array.of((field << 3) | 2, ...size);
    parts.push(head);
    length += head.length;
  };
  for (let level = 0; level < 20_000; level += 1) {
    wrap(4);
    wrap(2);
  }
  wrap(3);
  const answer = coordinationpb.Answer.decode(replica.applyBytes(Buffer.concat(parts.reverse())));
  expect(answer.error?.code).toBe(TooManyOperations);
});

test.each([
  [-1, undefined],
  [0, undefined],
  [1, RequestTooLarge],
])('a call of 1.5 MiB and %i bytes', (more, code) => {
  const most = 1.5 * 1024 * 1024;
  const sized = (valueBytes: number) => ({
    put: etcdserverpb.PutRequest.create({ key: key('a'), value: new Uint8Array(valueBytes) }),
  });
  const frame = coordinationpb.Command.encode(coordinationpb.Command.create(sized(1_500_000))).length - 1_500_000;
  expect(replica.apply(sized(most - frame + more)).error?.code).toBe(code);
});

test('a key is put once, and not deleted beside that; two branches may put the same one', () => {
  const remove = etcdserverpb.RequestOp.create({
    requestDeleteRange: etcdserverpb.DeleteRangeRequest.create({ key: key('a'), rangeEnd: key('c') }),
  });
  expect(commit(transaction([put('a'), put('a')]))).toBe(DuplicateKey);
  expect(commit(transaction([put('b'), remove]))).toBe(DuplicateKey);
  expect(commit(transaction([put('c'), remove]))).toBeUndefined();
  const both = etcdserverpb.TxnRequest.create({ success: [put('a')], failure: [put('a')] });
  expect(commit(transaction([etcdserverpb.RequestOp.create({ requestTxn: both })]))).toBeUndefined();
  expect(commit(transaction([etcdserverpb.RequestOp.create({ requestTxn: both }), put('a')]))).toBe(DuplicateKey);
});

test('a refused transaction changes nothing, though only its last operation is wrong', async () => {
  const before = await replica.data();
  const last = etcdserverpb.RequestOp.create({
    requestPut: etcdserverpb.PutRequest.create({ key: key('b'), lease: 77n }),
  });
  expect(commit(transaction([put('a'), last]))).toBe(coordinationpb.ErrorCode.LeaseNotFound);
  expect(await replica.data()).toEqual(before);
  expect(replica.read({ range: etcdserverpb.RangeRequest.create({ key: key('a') }) }).range).toMatchObject({
    count: 0n,
    header: { revision: 1n },
  });
});

test('the comparisons of a transaction within a transaction see the store as it was before both', () => {
  const isAbsent = etcdserverpb.Compare.create({ key: key('a'), target: 1, createRevision: 0n });
  const inner = etcdserverpb.TxnRequest.create({ compare: [isAbsent] });
  const answer = replica.apply({ txn: transaction([put('a'), etcdserverpb.RequestOp.create({ requestTxn: inner })]) });
  expect(answer.txn?.responses[1]?.responseTxn?.succeeded).toBe(true);
});
