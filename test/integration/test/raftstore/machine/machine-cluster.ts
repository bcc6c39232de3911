import type { raft_cmdpb } from '@flotilla/protocol';
import type { CommandResult } from '@flotilla/raftstore';
import {
  callCommand,
  errorOf,
  headerOf,
  TestCluster,
  type TestClusterOptions,
  type TestNode,
} from '@flotilla/test-harness';
import { awaitRegions, type LedRegion, leaderOfKey, runOnKey } from '../split-cluster.ts';
import { type CounterMachine, type CounterTrace, counterKind } from './counter-machine.ts';

/** A key of the counter. */
export const counterKey: Uint8Array = Buffer.from('m');

/** A cluster whose middle region has a counter, once all three regions are everywhere. */
export async function startMachineCluster(
  count: number,
  options: TestClusterOptions & { readonly trace?: CounterTrace } = {},
): Promise<TestCluster> {
  const { trace, ...rest } = options;
  const cluster = await TestCluster.start(count, { ...rest, machines: [counterKind(trace)] });
  await awaitRegions(cluster, 3);
  return cluster;
}

/** A command that calls the counter. */
export function counterCall(
  { region }: Pick<LedRegion, 'region'>,
  text: string,
  isRead = false,
): raft_cmdpb.RaftCmdRequest {
  return callCommand(headerOf(region), { key: counterKey, payload: Buffer.from(text), isRead });
}

/** The leader of the counter's region, which there is. */
export function counterLeader(cluster: TestCluster): LedRegion {
  const led = leaderOfKey(cluster, 'm');
  if (led === undefined) throw new Error('nobody leads the region of the counter');
  return led;
}

/** The counter that runs on a node now. */
export function counterOn({ machines }: CounterTrace, node: TestNode): CounterMachine | undefined {
  const own = machines.filter(({ host, isClosed }) => host.runtime.logger === node.logger && !isClosed);
  return own.at(-1);
}

/** The answer of the counter in a result. */
export function answerOf(result: CommandResult): string {
  const { payload } = result.response.responses[0]?.call ?? {};
  return payload === undefined ? `refused: ${errorOf(result)?.message}` : Buffer.from(payload).toString();
}

/** Calls the counter by its leader, again until it answers; nothing is proposed twice but what was refused. */
export async function callCounter(cluster: TestCluster, text: string, isRead = false): Promise<string> {
  return answerOf(await runOnKey(cluster, 'm', (led) => led.node.store!.execute(counterCall(led, text, isRead))));
}
