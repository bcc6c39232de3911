import { flotillapb, metapb } from '@flotilla/protocol';
import { expect, test } from 'vitest';
import { ReadinessProbe } from '../src/readiness-probe.ts';

function regionOf(id: number, leaderId?: number): flotillapb.RegionStatus {
  const leader = leaderId === undefined ? undefined : metapb.Peer.create({ id: leaderId, storeId: 1 });
  return flotillapb.RegionStatus.create({ region: metapb.Region.create({ id }), leader });
}

test('is ready while it serves and every region knows its leader', () => {
  const probe = new ReadinessProbe();
  expect(probe.read()).toEqual({ isReady: false, reasons: ['the node is starting'] });
  let regions = [regionOf(10, 11), regionOf(20)];
  probe.watch({ status: () => regions });
  probe.phase = 'serving';
  expect(probe.read()).toEqual({ isReady: false, reasons: ['region 20 knows no leader'] });
  regions = [regionOf(10, 11), regionOf(20, 22)];
  expect(probe.read()).toEqual({ isReady: true, reasons: [] });
  regions = [];
  expect(probe.read().isReady).toBe(true);
  probe.phase = 'stopping';
  expect(probe.read()).toEqual({ isReady: false, reasons: ['the node is stopping'] });
});
