import type { StoreReport } from '@flotilla/client';
import type { flotillapb, metapb } from '@flotilla/protocol';
import type { RegionWithLeader } from '@flotilla/scheduler-client';

import { type Command, withConnection } from '../command-context.ts';
import { exitCode } from '../exit-code.ts';
import { renderStatus } from './status-table.ts';
import { storeMetricsJson } from './store-load.ts';

/** One peer of a region: where it is, and what its store says of it if the store answered. */
export interface PeerStatus {
  readonly peer: metapb.Peer;
  readonly isLeader: boolean;
  readonly report: flotillapb.RegionStatus | undefined;
}

/** One region with its peers. */
export interface RegionOverview {
  readonly region: metapb.Region;
  readonly leader: metapb.Peer | undefined;
  readonly peers: readonly PeerStatus[];
}

/** One store with its own report. */
export interface StoreOverview {
  readonly report: StoreReport;
  readonly regions: number;
  readonly leaders: number;
}

/** A cluster at a glance. Its parts were asked one after the other, so they may differ by a moment. */
export interface ClusterOverview {
  readonly clusterId: number;
  readonly stores: readonly StoreOverview[];
  readonly regions: readonly RegionOverview[];
}

/** `status`: stores, regions, leaders, terms and log indexes, as tables or with `--json` as one object. */
export const status: Command<Record<string, never>> = async (context) => {
  const overview = await withConnection(context, async (connection) => {
    const reports = await connection.storeReports(context.interrupt);
    const regions = await connection.regions(context.interrupt);
    return overviewOf(connection.clusterId, reports, regions);
  });
  const { terminal } = context;
  await terminal.write(
    context.options.json ? `${JSON.stringify(jsonOf(overview))}\n` : renderStatus(overview, terminal),
  );
  return exitCode.ok;
};

/** Puts together what scheduler and stores say. The leader is the peer that claims it in the highest term. */
export function overviewOf(
  clusterId: number,
  reports: readonly StoreReport[],
  regions: readonly RegionWithLeader[],
): ClusterOverview {
  const statusOf = new Map<string, flotillapb.RegionStatus>();
  for (const report of reports) {
    if (report.type !== 'answered') continue;
    for (const region of report.status.regions) statusOf.set(`${report.store.id}/${region.region?.id ?? 0}`, region);
  }
  const regionOverviews = regions.map(({ region, leader }) => {
    const peerReports = region.peers.map((peer) => statusOf.get(`${peer.storeId}/${region.id}`));
    const claim = leaderOf(peerReports) ?? leader;
    return {
      region,
      leader: claim,
      peers: region.peers.map((peer, position) => ({
        peer,
        isLeader: claim?.id === peer.id,
        report: peerReports[position],
      })),
    };
  });
  const stores = reports.map((report) => ({
    report,
    regions: regionOverviews.filter(({ peers }) => peers.some(({ peer }) => peer.storeId === report.store.id)).length,
    leaders: regionOverviews.filter(({ leader }) => leader?.storeId === report.store.id).length,
  }));
  return { clusterId, stores, regions: regionOverviews };
}

function leaderOf(reports: readonly (flotillapb.RegionStatus | undefined)[]): metapb.Peer | undefined {
  let newest: flotillapb.RegionStatus | undefined;
  for (const report of reports) {
    if (report?.leader !== undefined && (newest === undefined || report.term > newest.term)) newest = report;
  }
  return newest?.leader;
}

function jsonOf(overview: ClusterOverview): unknown {
  return {
    clusterId: overview.clusterId,
    stores: overview.stores.map(({ report, regions, leaders }) => ({
      id: report.store.id,
      address: report.store.address,
      answers: report.type === 'answered',
      ...(report.type === 'silent' ? { reason: report.reason } : {}),
      regions,
      leaders,
      ...(report.type === 'answered' && report.status.metrics !== undefined
        ? { metrics: storeMetricsJson(report.status.metrics) }
        : {}),
    })),
    regions: overview.regions.map(({ region, leader, peers }) => ({
      id: region.id,
      startKey: Buffer.from(region.startKey).toString('base64'),
      endKey: Buffer.from(region.endKey).toString('base64'),
      epoch: { confVer: region.regionEpoch?.confVer ?? 0, version: region.regionEpoch?.version ?? 0 },
      leaderStoreId: leader?.storeId ?? null,
      peers: peers.map(({ peer, isLeader, report }) => ({
        id: peer.id,
        storeId: peer.storeId,
        isLeader,
        term: report?.term ?? null,
        commitIndex: report?.commitIndex ?? null,
        appliedIndex: report?.appliedIndex ?? null,
        firstIndex: report?.firstIndex ?? null,
        lastIndex: report?.lastIndex ?? null,
      })),
    })),
  };
}
