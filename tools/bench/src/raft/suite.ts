import { measureIdle } from './idle.ts';
import { measureThroughput } from './throughput.ts';

/** Measures the raft core alone: three nodes in one process, then groups that do nothing. */
export function runRaftSuite(print: (line: string) => void): void {
  print('three nodes in memory, 128-byte proposals, each batch committed and applied by all before the next');
  print(row(['batch', 'proposals/s', 'heap bytes/proposal']));
  for (const [batch, total] of [
    [1, 200_000],
    [16, 500_000],
    [256, 1_000_000],
  ] as const) {
    const { proposalsPerSecond, bytesPerProposal } = measureThroughput(batch, total);
    print(
      row([String(batch), whole(proposalsPerSecond), bytesPerProposal === undefined ? '-' : whole(bytesPerProposal)]),
    );
  }
  print('');
  print('idle groups, one node each');
  print(row(['groups', 'ns/tick', 'ns/hasReady', 'heap bytes/group']));
  for (const groups of [10_000, 100_000]) {
    const { tickNs, hasReadyNs, bytesPerGroup } = measureIdle(groups);
    print(row([whole(groups), tickNs.toFixed(1), hasReadyNs.toFixed(1), whole(bytesPerGroup)]));
  }
}

function row(cells: readonly string[]): string {
  return cells.map((cell) => cell.padStart(20)).join('');
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}
