import type { ConfChange, ConfChangeTransition, Message, MessageType } from '@flotilla/raft';
import { draftMessage } from '@flotilla/raft';
import {
  argumentValue,
  CommandError,
  firstNodeId,
  nodeIds,
  parseBoolean,
  parseWhole,
  requireValue,
} from './arguments.ts';
import { parseSteps } from './conf-change-text.ts';
import type { Environment, Recipient } from './environment.ts';
import type { InteractionNode } from './interaction-node.ts';
import { isSilentLevel } from './log-level.ts';
import { readNodesToAdd } from './node-options.ts';
import { printEntry, printProgress, printRole } from './print.ts';
import type { ScenarioCase } from './scenario.ts';

/** One command of interaction files. */
export type InteractionCommand = (environment: Environment, test: ScenarioCase) => void;

const dropped = 'raft proposal dropped';

/** Every command, by its word. */
export const interactionCommands: ReadonlyMap<string, InteractionCommand> = new Map<string, InteractionCommand>([
  ['_breakpoint', () => {}],
  ['add-nodes', addNodes],
  ['campaign', (environment, test) => environment.node(firstNodeId(test)).core.campaign()],
  ['compact', compact],
  ['deliver-msgs', deliverMessages],
  ['forget-leader', (environment, test) => environment.node(firstNodeId(test)).core.forgetLeader()],
  ['log-level', setLogLevel],
  [
    'process-append-thread',
    (environment, test) => processEach(environment, test, 'processing append thread', 'processAppend'),
  ],
  [
    'process-apply-thread',
    (environment, test) => processEach(environment, test, 'processing apply thread', 'processApply'),
  ],
  ['process-ready', (environment, test) => processEach(environment, test, 'handling Ready', 'processReady')],
  ['propose', propose],
  ['propose-conf-change', proposeConfChange],
  ['raft-log', (environment, test) => printLog(environment, environment.node(firstNodeId(test)))],
  ['raft-state', printStates],
  ['report-unreachable', reportUnreachable],
  ['send-snapshot', sendSnapshot],
  ['set-randomized-election-timeout', setElectionTimeout],
  ['stabilize', stabilize],
  ['status', printStatus],
  ['tick-election', (environment, test) => tick(environment, test, 'electionTick')],
  ['tick-heartbeat', (environment, test) => tick(environment, test, 'heartbeatTick')],
  ['transfer-leadership', transferLeadership],
]);

function addNodes(environment: Environment, test: ScenarioCase): void {
  const { count, options, bootstrap } = readNodesToAdd(test);
  environment.addNodes(count, options, bootstrap);
}

function tick(environment: Environment, test: ScenarioCase, unit: 'electionTick' | 'heartbeatTick'): void {
  const node = environment.node(firstNodeId(test));
  for (let ticks = node.options[unit]; ticks > 0; ticks -= 1) node.core.tick();
}

function setElectionTimeout(environment: Environment, test: ScenarioCase): void {
  const timeout = argumentValue(test, 'timeout');
  if (timeout === undefined) throw new CommandError('timeout is missing');
  environment.node(firstNodeId(test)).core.overrideElectionTimeout(parseWhole(timeout));
}

function propose(environment: Environment, test: ScenarioCase): void {
  const word = test.args[1];
  if (word === undefined) throw new CommandError('what to propose is missing');
  const text = word.values.length === 0 ? word.key : `${word.key}=${word.values.join(',')}`;
  const outcome = environment.node(firstNodeId(test)).core.propose(new TextEncoder().encode(text));
  if (outcome === 'proposalDropped') throw new CommandError(dropped);
}

function proposeConfChange(environment: Environment, test: ScenarioCase): void {
  let isV1 = false;
  let transition: ConfChangeTransition = 'auto';
  for (const argument of test.args.slice(1)) {
    if (argument.values.length === 0) continue;
    if (argument.key === 'v1') isV1 = parseBoolean(requireValue(argument));
    else if (argument.key === 'transition') transition = parseTransition(requireValue(argument));
    else throw new CommandError(`unknown command ${argument.key}`);
  }
  const change: ConfChange = { transition, steps: parseSteps(test.input), context: new Uint8Array(0) };
  if (isV1 && (change.steps.length !== 1 || transition !== 'auto')) {
    throw new CommandError('v1 conf change can only have one operation and no transition');
  }
  const { core } = environment.node(firstNodeId(test));
  const outcome = core.proposeConfChange(change, isV1 ? 'confChange' : 'confChangeV2');
  if (outcome === 'proposalDropped') throw new CommandError(dropped);
}

function parseTransition(value: string): ConfChangeTransition {
  switch (value) {
    case 'auto':
      return 'auto';
    case 'implicit':
      return 'jointImplicit';
    case 'explicit':
      return 'jointExplicit';
    default:
      throw new CommandError(`unknown transition ${value}`);
  }
}

function transferLeadership(environment: Environment, test: ScenarioCase): void {
  const from = argumentValue(test, 'from');
  const to = argumentValue(test, 'to');
  if (from === undefined || to === undefined) throw new CommandError('from and to are needed');
  environment.node(parseWhole(from)).core.transferLeader(parseWhole(to));
}

function reportUnreachable(environment: Environment, test: ScenarioCase): void {
  const [reporter, lost] = twoNodes(test);
  environment.node(reporter).core.reportUnreachable(lost);
}

function sendSnapshot(environment: Environment, test: ScenarioCase): void {
  const [from, to] = twoNodes(test);
  const sender = environment.node(from);
  const message: Message = {
    ...draftMessage('MsgSnap', to),
    from,
    term: sender.core.term,
    snapshot: sender.lastSnapshot,
  };
  environment.inject(message);
}

function twoNodes(test: ScenarioCase): readonly [number, number] {
  const [first, second] = nodeIds(test);
  if (first === undefined || second === undefined) throw new CommandError('two node ids are needed');
  return [first, second];
}

function compact(environment: Environment, test: ScenarioCase): void {
  const node = environment.node(firstNodeId(test));
  const index = nodeIds(test)[1];
  if (index === undefined) throw new CommandError('an index is needed');
  const outcome = node.storage.compact(index);
  if (outcome === 'compacted') throw new CommandError('requested index is unavailable due to compaction');
  if (outcome === 'unavailable') throw new CommandError('requested entry at index is unavailable');
  printLog(environment, node);
}

function printLog(environment: Environment, node: InteractionNode): void {
  const first = node.storage.firstIndex();
  const last = node.storage.lastIndex();
  if (first > last) {
    environment.output.write(`log is empty: first index=${first}, last index=${last}`);
    return;
  }
  const entries = node.storage.entries(first, last + 1, Number.POSITIVE_INFINITY);
  if (typeof entries === 'string') throw new CommandError(entries);
  for (const entry of entries) environment.output.write(printEntry(entry));
}

function printStates(environment: Environment): void {
  for (const node of environment.nodes) {
    const { role, term, leader, membership } = node.core.status();
    const isVoter = membership.incoming.includes(node.id) || membership.outgoing.includes(node.id);
    const kind = isVoter ? '(Voter)' : '(Non-Voter)';
    environment.output.write(`${node.id}: ${printRole(role)} ${kind} Term:${term} Lead:${leader}`);
  }
}

function printStatus(environment: Environment, test: ScenarioCase): void {
  for (const progress of environment.node(firstNodeId(test)).core.status().progress) {
    environment.output.write(printProgress(progress));
  }
}

function setLogLevel(environment: Environment, test: ScenarioCase): void {
  const level = test.args[0];
  if (level === undefined) throw new CommandError('a level is needed');
  environment.output.isSilent = isSilentLevel(level.key);
}

function deliverMessages(environment: Environment, test: ScenarioCase): void {
  const recipients: Recipient[] = [];
  let type: MessageType | undefined;
  for (const { key, values } of test.args) {
    if (values.length === 0) recipients.push({ id: parseWhole(key), drop: false });
    else if (key === 'drop') recipients.push(...values.map((value) => ({ id: parseWhole(value), drop: true })));
    else if (key === 'type') type = values[0] as MessageType;
    else throw new CommandError(`unknown argument ${key}`);
  }
  if (environment.deliver(recipients, type) === 0) environment.output.write('no messages');
}

function processEach(
  environment: Environment,
  test: ScenarioCase,
  doing: string,
  process: 'processReady' | 'processAppend' | 'processApply',
): void {
  const nodes = nodeIds(test).map((id) => environment.node(id));
  for (const node of nodes) {
    if (nodes.length === 1) environment[process](node);
    else environment.output.block(`> ${node.id} ${doing}`, () => environment[process](node));
  }
}

function stabilize(environment: Environment, test: ScenarioCase): void {
  const ids = nodeIds(test);
  environment.stabilize(ids.length === 0 ? environment.nodes : ids.map((id) => environment.node(id)));
}
