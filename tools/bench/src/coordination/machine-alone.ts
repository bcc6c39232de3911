import { createCoordinationMachine } from '@flotilla/coordination';
import { MemoryEngine } from '@flotilla/engine';
import { coordinationpb, etcdserverpb } from '@flotilla/protocol';
import type { RegionMachine } from '@flotilla/raftstore';
import type { Runtime } from '@flotilla/runtime';

/** What the machine does without raft, disk and calls around it. */
export interface MachineFigures {
  readonly putsPerSecond: number;
  readonly transactionsPerSecond: number;
  /** Pieces a second, all subscribers together. */
  readonly deliveriesPerSecond: number;
  readonly subscribers: number;
}

const value = new Uint8Array(256);
const { create: command } = coordinationpb.Command;
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

/** Measures the state machine alone: commands of each kind, and updates that so many subscribers are told of. */
export async function measureMachine(
  runtime: Runtime,
  { commands, subscribers, updates }: { commands: number; subscribers: number; updates: number },
): Promise<MachineFigures> {
  const machine = createCoordinationMachine().create({
    regionId: 1,
    reader: new MemoryEngine(),
    runtime,
    propose: async () => undefined,
  });
  await machine.load();
  const put = (key: string) => etcdserverpb.PutRequest.create({ key: bytes(key), value });
  const putsPerSecond = rateOf(machine, commands, (index) => command({ put: put(`/put/${index % 10_000}`) }));
  const transactionsPerSecond = rateOf(machine, commands, (index) => command({ txn: lockAttempt(`/lock/${index}`) }));
  const request = etcdserverpb.WatchCreateRequest.create({ key: bytes('/w/'), rangeEnd: bytes('/w0') });
  const payload = etcdserverpb.WatchCreateRequest.encode(request);
  const subscriptions = Array.from({ length: subscribers }, () => machine.subscribe(payload));
  await Promise.all(subscriptions.map((subscription) => subscription.next()));
  const update = coordinationpb.Command.encode(command({ put: put('/w/key') }));
  const startMs = performance.now();
  for (let index = 0; index < updates; index += 1) {
    const pieces = subscriptions.map((subscription) => subscription.next());
    await Promise.resolve();
    apply(machine, update, index);
    await Promise.all(pieces);
  }
  const deliveriesPerSecond = (subscribers * updates * 1_000) / (performance.now() - startMs);
  machine.close();
  return { putsPerSecond, transactionsPerSecond, deliveriesPerSecond, subscribers };
}

/** As a lock's acquisition: put if absent, else read. */
function lockAttempt(key: string): etcdserverpb.TxnRequest {
  const { RequestOp, PutRequest, RangeRequest, Compare, CompareCompareTarget } = etcdserverpb;
  return etcdserverpb.TxnRequest.create({
    compare: [Compare.create({ key: bytes(key), target: CompareCompareTarget.CREATE, createRevision: 0n })],
    success: [RequestOp.create({ requestPut: PutRequest.create({ key: bytes(key), value }) })],
    failure: [RequestOp.create({ requestRange: RangeRequest.create({ key: bytes(key) }) })],
  });
}

function rateOf(machine: RegionMachine, count: number, make: (index: number) => coordinationpb.Command): number {
  const payloads = Array.from({ length: count }, (_, index) => coordinationpb.Command.encode(make(index)));
  const startMs = performance.now();
  for (const [index, payload] of payloads.entries()) apply(machine, payload, index);
  return (count * 1_000) / (performance.now() - startMs);
}

function apply(machine: RegionMachine, payload: Uint8Array, index: number): void {
  machine.apply(payload, index, discard);
  machine.written();
}

/** What is written is not read again while it is recent, and the measurements are shorter than that. */
const discard = { put: () => {}, delete: () => {} };
