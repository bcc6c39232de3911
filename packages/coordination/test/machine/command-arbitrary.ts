import { coordinationpb, etcdserverpb } from '@flotilla/protocol';
import fc from 'fast-check';

/** The keys that generated commands are about. */
export const keyTexts = ['a', 'ab', 'b', 'c', '\u0000', 'ÿ', 'ÿÿ'];

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
const key = fc.constantFrom(...keyTexts).map(bytes);
const aKey = fc.oneof({ weight: 60, arbitrary: key }, { weight: 1, arbitrary: fc.constant(new Uint8Array(0)) });
const rangeEnd = fc.oneof(
  { weight: 3, arbitrary: fc.constant(new Uint8Array(0)) },
  { weight: 1, arbitrary: fc.constant(Uint8Array.of(0)) },
  { weight: 2, arbitrary: key },
);
const value = fc.constantFrom('', 'x', 'y', 'longer').map(bytes);
const revision = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0n) },
  { weight: 2, arbitrary: fc.bigInt(-1n, 30n) },
  { weight: 1, arbitrary: fc.constant(2n ** 62n) },
);
const lease = fc.bigInt(1n, 3n);
const someLease = fc.oneof({ weight: 4, arbitrary: fc.constant(0n) }, { weight: 1, arbitrary: lease });
/** Filters let through whatever is there, mostly. */
const filter = fc.oneof({ weight: 6, arbitrary: fc.constant(0n) }, { weight: 1, arbitrary: fc.bigInt(-1n, 30n) });
const seldom = fc.nat(7).map((drawn) => drawn === 0);

/** Range requests. */
export const rangeRequest: fc.Arbitrary<etcdserverpb.RangeRequest> = fc.record({
  key: aKey,
  rangeEnd,
  limit: fc.bigInt(0n, 3n),
  revision,
  sortOrder: fc.constantFrom(0, 1, 2) as fc.Arbitrary<etcdserverpb.RangeRequestSortOrder>,
  sortTarget: fc.constantFrom(0, 0, 0, 1, 2, 3, 4) as fc.Arbitrary<etcdserverpb.RangeRequestSortTarget>,
  serializable: fc.boolean(),
  keysOnly: seldom,
  countOnly: seldom,
  minModRevision: filter,
  maxModRevision: filter,
  minCreateRevision: filter,
  maxCreateRevision: filter,
});

const putRequest: fc.Arbitrary<etcdserverpb.PutRequest> = fc
  .record({ key: aKey, value, lease: someLease, prevKv: fc.boolean(), ignoreValue: seldom, ignoreLease: seldom })
  .chain((put) =>
    // Mostly what can succeed.
    fc.nat(3).map((drawn) => {
      if (drawn === 0) return put;
      return {
        ...put,
        value: put.ignoreValue ? new Uint8Array(0) : put.value,
        lease: put.ignoreLease ? 0n : put.lease,
      };
    }),
  );

const deleteRequest: fc.Arbitrary<etcdserverpb.DeleteRangeRequest> = fc.record({
  key: aKey,
  rangeEnd,
  prevKv: fc.boolean(),
});

const number = fc.oneof(fc.bigInt(0n, 6n), fc.constant(2n ** 62n));
const compare: fc.Arbitrary<etcdserverpb.Compare> = fc
  .record({
    result: fc.constantFrom(0, 1, 2, 3) as fc.Arbitrary<etcdserverpb.CompareCompareResult>,
    target: fc.constantFrom(0, 1, 2, 3, 4) as fc.Arbitrary<etcdserverpb.CompareCompareTarget>,
    key: aKey,
    rangeEnd,
    number,
    value,
    isUnset: seldom,
  })
  .map((drawn) => {
    const base = { result: drawn.result, target: drawn.target, key: drawn.key, rangeEnd: drawn.rangeEnd };
    const name = (['version', 'createRevision', 'modRevision', 'value', 'lease'] as const)[drawn.target];
    const operand = name === 'value' ? drawn.value : drawn.number;
    return etcdserverpb.Compare.create({ ...base, ...(drawn.isUnset ? {} : { [name]: operand }) });
  });

const { txn } = fc.letrec<{ txn: etcdserverpb.TxnRequest; operation: etcdserverpb.RequestOp }>((tie) => ({
  operation: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 4, arbitrary: putRequest.map((requestPut) => etcdserverpb.RequestOp.create({ requestPut })) },
    { weight: 2, arbitrary: rangeRequest.map((requestRange) => etcdserverpb.RequestOp.create({ requestRange })) },
    {
      weight: 1,
      arbitrary: deleteRequest.map((requestDeleteRange) => etcdserverpb.RequestOp.create({ requestDeleteRange })),
    },
    { weight: 2, arbitrary: tie('txn').map((requestTxn) => etcdserverpb.RequestOp.create({ requestTxn })) },
  ),
  txn: fc.record({
    compare: fc.array(compare, { maxLength: 2 }),
    success: fc.array(tie('operation'), { maxLength: 3, depthIdentifier: 'operation' }),
    failure: fc.array(tie('operation'), { maxLength: 2, depthIdentifier: 'operation' }),
  }),
}));

const { create } = coordinationpb.Command;

/** Commands that clients send. */
export const clientCommand: fc.Arbitrary<coordinationpb.Command> = fc.oneof(
  { weight: 6, arbitrary: putRequest.map((put) => create({ put })) },
  { weight: 3, arbitrary: deleteRequest.map((deleteRange) => create({ deleteRange })) },
  { weight: 6, arbitrary: txn.map((request) => create({ txn: request })) },
  { weight: 1, arbitrary: fc.bigInt(0n, 25n).map((at) => create({ compact: { revision: at, physical: false } })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(lease, fc.constantFrom(-1n, 1n, 60n, 9_000_000_001n))
      .map(([ID, TTL]) => create({ leaseGrant: { ID, TTL } })),
  },
  { weight: 1, arbitrary: lease.map((ID) => create({ leaseRevoke: { ID } })) },
  { weight: 1, arbitrary: fc.constant(create()) },
);

/** Commands of the leader. */
export const leaderCommand: fc.Arbitrary<coordinationpb.Command> = fc.oneof(
  fc.integer({ min: 0, max: 4 }).map((limit) => create({ purge: { limit } })),
  fc
    .array(fc.record({ id: lease, grantIndex: fc.nat(40) }), { maxLength: 3 })
    .map((leases) => create({ expire: { leases } })),
  fc.bigInt(0n, 3n).map((minLeaseTtl) => create({ configure: { minLeaseTtl } })),
);
