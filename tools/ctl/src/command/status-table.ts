import Table from 'cli-table3';
import { keyRangeText } from '../key-range-text.ts';
import { grouped } from '../load/progress.ts';
import type { Terminal } from '../terminal.ts';
import type { ClusterOverview, PeerStatus, RegionOverview, StoreOverview } from './status.ts';
import { renderStoreLoad } from './store-load.ts';

/** The overview as tables for people. */
export function renderStatus(overview: ClusterOverview, terminal: Terminal): string {
  const style = (format: Parameters<Terminal['style']>[1], text: string): string =>
    terminal.style('output', format, text);
  const headings = (...names: readonly string[]): string[] => names.map((name) => style('bold', name));
  const stores = new Table({ head: headings('store', 'address', 'state', 'regions', 'leaders'), style: plain });
  for (const store of overview.stores) stores.push(storeRow(store, style));
  const regions = new Table({
    head: headings('region', 'keys', 'peer', 'store', 'role', 'term', 'applied', 'commit', 'log'),
    style: plain,
  });
  for (const region of overview.regions) {
    for (const [position, peer] of region.peers.entries()) regions.push(peerRow(region, peer, position === 0, style));
  }
  const load = renderStoreLoad(overview.stores, headings);
  return [
    `cluster ${overview.clusterId}: ${count(overview.stores.length, 'store')}, ${count(overview.regions.length, 'region')}`,
    stores.toString(),
    regions.toString(),
    ...(load === undefined ? [] : [load]),
    '',
  ].join('\n');
}

type Style = (format: Parameters<Terminal['style']>[1], text: string) => string;

const plain = { head: [], border: [], compact: true };

function storeRow({ report, regions, leaders }: StoreOverview, style: Style): string[] {
  const state = report.type === 'answered' ? style('green', 'up') : style('red', 'no answer');
  return [String(report.store.id), report.store.address, state, grouped(regions), grouped(leaders)];
}

function peerRow({ region }: RegionOverview, status: PeerStatus, isFirst: boolean, style: Style): string[] {
  const { peer, report, isLeader } = status;
  const about = isFirst ? [String(region.id), keyRangeText(region)] : ['', ''];
  const role = isLeader ? style('green', 'leader') : report === undefined ? style('red', 'unknown') : 'follower';
  const figures =
    report === undefined
      ? ['-', '-', '-', '-']
      : [
          grouped(report.term),
          grouped(report.appliedIndex),
          grouped(report.commitIndex),
          report.firstIndex > report.lastIndex ? 'empty' : `${grouped(report.firstIndex)}–${grouped(report.lastIndex)}`,
        ];
  return [...about, String(peer.id), String(peer.storeId), role, ...figures];
}

function count(number: number, noun: string): string {
  return `${grouped(number)} ${noun}${number === 1 ? '' : 's'}`;
}
