import { type flotillapb, metapb, schedulerpb } from '@flotilla/protocol';
import Table from 'cli-table3';
import { keyRangeText } from '../key-range-text.ts';
import { grouped } from '../load/progress.ts';
import type { Terminal } from '../terminal.ts';

const plain = { head: [], border: [], compact: true };

/** Regions as a table for people. */
export function renderRegions(regions: readonly flotillapb.RegionInfo[], terminal: Terminal): string {
  const names = ['region', 'keys', 'epoch', 'leader', 'replicas on', 'size', 'keys ~', 'operator'];
  const table = new Table({ head: names.map((name) => terminal.style('output', 'bold', name)), style: plain });
  for (const info of regions) table.push(regionRow(info, terminal));
  const count = `${grouped(regions.length)} region${regions.length === 1 ? '' : 's'}`;
  return `${count}\n${table.toString()}\n`;
}

/** One region in full. */
export function renderRegion(info: flotillapb.RegionInfo, terminal: Terminal): string {
  const { region, leader, operator } = info;
  const lines = [
    `region ${region?.id ?? 0}: ${region === undefined ? '' : keyRangeText(region)}`,
    `epoch: version ${region?.regionEpoch?.version ?? 0}, conf_ver ${region?.regionEpoch?.confVer ?? 0}`,
    `size: ${sizeText(info.approximateSize)}, keys: ${countText(info.approximateKeys)}`,
  ];
  if (info.flow !== undefined) lines.push(`flow: ${flowText(info.flow)}`);
  const table = new Table({
    head: ['peer', 'store', 'role', 'state'].map((name) => terminal.style('output', 'bold', name)),
    style: plain,
  });
  for (const peer of region?.peers ?? []) {
    const role = peer.id === leader?.id ? terminal.style('output', 'green', 'leader') : roleText(peer.role);
    table.push([String(peer.id), String(peer.storeId), role, peerState(info, peer)]);
  }
  lines.push(table.toString());
  if (leader === undefined) lines.push('no leader has reported since the scheduler started');
  if (operator !== undefined) lines.push(`operator ${operatorLine(operator)}`);
  return `${lines.join('\n')}\n`;
}

/** An operator in one line: its number, how it stands, and its steps. */
export function operatorLine(operator: flotillapb.OperatorInfo): string {
  const why = operator.reason === '' ? '' : ` (${operator.reason})`;
  const steps = operator.steps.map((step) => `${step.isFinished ? '✓ ' : ''}${step.description}`).join(' → ');
  return `${operator.id}: ${operatorState(operator)}${why}: ${steps}`;
}

/** How an operator stands, in words. */
export function operatorState({ status }: flotillapb.OperatorInfo): string {
  const { SUCCESS, TIMEOUT, CANCEL, REPLACE, RUNNING } = schedulerpb.OperatorStatus;
  switch (status) {
    case SUCCESS:
      return 'done';
    case TIMEOUT:
      return 'timed out';
    case CANCEL:
      return 'cancelled';
    case REPLACE:
      return 'replaced';
    case RUNNING:
      return 'running';
  }
}

/** A region as scripts get it. */
export function regionJson(info: flotillapb.RegionInfo): unknown {
  const { region, leader, flow, operator } = info;
  const base64 = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('base64');
  return {
    id: region?.id ?? 0,
    startKey: base64(region?.startKey),
    endKey: base64(region?.endKey),
    epoch: { confVer: region?.regionEpoch?.confVer ?? 0, version: region?.regionEpoch?.version ?? 0 },
    leader: leader === undefined ? null : { id: leader.id, storeId: leader.storeId },
    peers: (region?.peers ?? []).map((peer) => ({
      id: peer.id,
      storeId: peer.storeId,
      role: roleText(peer.role),
      isPending: isPending(info, peer),
      downSeconds: downSeconds(info, peer) ?? null,
    })),
    approximateSize: info.approximateSize,
    approximateKeys: info.approximateKeys,
    term: info.term,
    flow: flow ?? null,
    operator: operator === undefined ? null : operatorJson(operator),
  };
}

/** An operator as scripts get it. */
export function operatorJson(operator: flotillapb.OperatorInfo): unknown {
  const { id, regionId, kind, description, steps, reason, ageMs } = operator;
  return { id, regionId, kind, state: operatorState(operator), description, steps, reason, ageMs };
}

function regionRow(info: flotillapb.RegionInfo, terminal: Terminal): string[] {
  const { region, leader, operator } = info;
  const epoch = region?.regionEpoch;
  const isRunning = operator?.status === schedulerpb.OperatorStatus.RUNNING;
  return [
    String(region?.id ?? 0),
    region === undefined ? '' : keyRangeText(region),
    `${epoch?.version ?? 0}/${epoch?.confVer ?? 0}`,
    leader === undefined ? terminal.style('output', 'red', '?') : String(leader.storeId),
    (region?.peers ?? []).map((peer) => replicaText(info, peer)).join(' '),
    sizeText(info.approximateSize),
    countText(info.approximateKeys),
    isRunning ? `${operator.id}: ${operator.description}` : '',
  ];
}

/** A store's number with a mark for whatever is unusual about the replica there. */
function replicaText(info: flotillapb.RegionInfo, peer: metapb.Peer): string {
  const role = peer.role === metapb.PeerRole.Voter ? '' : `(${roleText(peer.role)})`;
  const state = downSeconds(info, peer) !== undefined ? '!' : isPending(info, peer) ? '…' : '';
  return `${peer.storeId}${role}${state}`;
}

function peerState(info: flotillapb.RegionInfo, peer: metapb.Peer): string {
  const down = downSeconds(info, peer);
  if (down !== undefined) return `not heard of for ${grouped(down)} s`;
  return isPending(info, peer) ? 'catching up' : 'up to date';
}

function isPending({ pendingPeers }: flotillapb.RegionInfo, { id }: metapb.Peer): boolean {
  return pendingPeers.some((peer) => peer.id === id);
}

function downSeconds({ downPeers }: flotillapb.RegionInfo, { id }: metapb.Peer): number | undefined {
  return downPeers.find(({ peer }) => peer?.id === id)?.downSeconds;
}

function roleText(role: metapb.PeerRole): string {
  const { Voter, Learner, IncomingVoter, DemotingVoter } = metapb.PeerRole;
  switch (role) {
    case Voter:
      return 'voter';
    case Learner:
      return 'learner';
    case IncomingVoter:
      return 'incoming voter';
    case DemotingVoter:
      return 'demoting voter';
  }
}

function flowText(flow: schedulerpb.RegionFlow): string {
  const perSecond = (amount: number): number => (flow.intervalMs === 0 ? 0 : (amount * 1000) / flow.intervalMs);
  const rate = (bytes: number, keys: number): string =>
    `${sizeText(perSecond(bytes))}/s, ${grouped(Math.round(perSecond(keys)))} keys/s`;
  return `written ${rate(flow.bytesWritten, flow.keysWritten)}; read ${rate(flow.bytesRead, flow.keysRead)}`;
}

/** Bytes with a unit; a dash for what is not known. */
export function sizeText(bytes: number): string {
  if (bytes === 0) return '-';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  const amount = bytes / 1024 ** power;
  return `${amount >= 100 || power === 0 ? Math.round(amount) : amount.toFixed(1)} ${units[power]}`;
}

function countText(count: number): string {
  return count === 0 ? '-' : grouped(count);
}
