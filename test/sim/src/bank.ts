import { flotillapb } from '@flotilla/protocol';
import type { Random } from '@flotilla/runtime';
import {
  type Bank,
  errorOf,
  headerOf,
  type Json,
  snapCommand,
  type TestCluster,
  type TestNode,
} from '@flotilla/test-harness';
import { bytesOf, textOf } from './key-space.ts';

const accounts = ['a0', 'a1', 'a2', 'a3'] as const;
const firstBalance = 100;

/** What every bank of a simulation begins with. */
export const bank: Bank = { balances: Object.fromEntries(accounts.map((account) => [account, firstBalance])) };

/** One bank: its accounts are neighbouring keys, its owner alone writes them, and everybody may count the money. */
export interface OpenBank {
  /** What the keys of its accounts begin with. */
  readonly prefix: string;
  readonly balances: Map<string, number>;
  /** Whether the write that opened it has been acknowledged. */
  isOpen: boolean;
}

/** A pair as a batch has it. */
interface BankWrite {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** A bank that nobody has written yet. */
export function newBank(prefix: string): OpenBank {
  return { prefix, balances: new Map(accounts.map((account) => [account, firstBalance])), isOpen: false };
}

/** The pairs that open a bank. */
export function openingOf({ prefix, balances }: OpenBank): BankWrite[] {
  return [...balances].map(([account, balance]) => writeOf(prefix, account, balance));
}

/** A transfer between two accounts: what to write, and the balances that the bank then has. */
export function drawTransfer(
  { prefix, balances }: OpenBank,
  random: Random,
): { readonly writes: BankWrite[]; readonly changed: ReadonlyMap<string, number> } {
  const from = random.integer(0, accounts.length);
  const to = (from + random.integer(1, accounts.length)) % accounts.length;
  const [giver = accounts[0], taker = accounts[1]] = [accounts[from], accounts[to]];
  const amount = random.integer(0, (balances.get(giver) ?? 0) + 1);
  const changed = new Map([
    [giver, (balances.get(giver) ?? 0) - amount],
    [taker, (balances.get(taker) ?? 0) + amount],
  ]);
  return { writes: [...changed].map(([account, balance]) => writeOf(prefix, account, balance)), changed };
}

/**
 * Reads a bank in one snapshot of a region, through a store that has it and, it may be, does not lead it. `undefined` when
 * there is nothing to be judged: the read failed, or a split came between the accounts, so that no region has them all.
 */
export async function readBank(
  cluster: TestCluster,
  { prefix, isOpen }: OpenBank,
  random: Random,
): Promise<Json | undefined> {
  const node = cluster.nodes[random.integer(0, cluster.nodes.length)];
  const { store } = node ?? {};
  const status = store
    ?.status()
    .find(({ region, peer }) => peer !== undefined && region !== undefined && holds(region, prefix));
  if (node === undefined || store === undefined || status?.region === undefined) return undefined;
  const { region, peer, role } = status;
  const leads = role === flotillapb.RaftRole.Leader;
  const header = { ...headerOf(region, leads ? undefined : peer), replicaRead: !leads };
  const result = await whileRunning(node, store.execute({ ...snapCommand(header), header }));
  if (result?.snapshot === undefined || errorOf(result) !== undefined) return undefined;
  const { snapshot } = result;
  if (!holds(snapshot.region, prefix)) return undefined;
  const pairs = await whileRunning(
    node,
    snapshot.scan('default', Buffer.from(prefix), 100, 1 << 20).catch(() => undefined),
  );
  await snapshot.close().catch(() => undefined);
  if (pairs === undefined) return undefined;
  const found: Record<string, Json> = {};
  for (const { key, value } of pairs) {
    const name = Buffer.from(key).toString();
    const account = name.slice(prefix.length);
    if (!name.startsWith(prefix)) break;
    // A split may leave a rival's key among the accounts.
    if (account.includes('!')) continue;
    const text = textOf(value);
    found[account] = text !== null && /^-?\d+$/.test(text) ? Number(text) : text;
  }
  return !isOpen && Object.keys(found).length === 0 ? undefined : found;
}

/** What a store answers, unless it ends before. */
async function whileRunning<T>(node: TestNode, answer: Promise<T>): Promise<T | undefined> {
  const { run } = node;
  const lost = new Promise<undefined>((resolve) => {
    const { ledger } = node;
    const answered = ledger.begin('a count of a bank', () => resolve(undefined));
    void answer.then(answered, answered);
  });
  const result = await Promise.race([answer, lost]);
  return run.isOver ? undefined : result;
}

function holds(
  { startKey, endKey }: { readonly startKey: Uint8Array; readonly endKey: Uint8Array },
  prefix: string,
): boolean {
  const first = Buffer.from(prefix);
  const last = Buffer.from(`${prefix}~`);
  const reachesEnd = endKey.length === 0 || Buffer.compare(last, endKey) <= 0;
  return Buffer.compare(startKey, first) <= 0 && reachesEnd;
}

function writeOf(prefix: string, account: string, balance: number): BankWrite {
  return { key: Buffer.from(`${prefix}${account}`), value: bytesOf(`${balance}`) };
}
