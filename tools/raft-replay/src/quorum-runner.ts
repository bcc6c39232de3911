import {
  type AckedIndexer,
  jointCommittedIndex,
  jointVoteResult,
  majorityCommittedIndex,
  majorityVoteResult,
  type VoteResult,
} from '@flotilla/raft';
import { CommandError, parseWhole } from './arguments.ts';
import { alternativeCommittedIndex } from './quorum-check.ts';
import { printCommitTable } from './quorum-table.ts';
import type { ScenarioRunner } from './runner.ts';
import type { ScenarioCase } from './scenario.ts';

const voteNames: Readonly<Record<VoteResult, string>> = {
  won: 'VoteWon',
  lost: 'VoteLost',
  pending: 'VotePending',
};

interface QuorumCase {
  readonly incoming: readonly number[];
  readonly outgoing: readonly number[];
  readonly isJoint: boolean;
  readonly indexes: readonly string[];
  readonly votes: readonly string[];
}

/** Runs files of kind `quorum`: what votes and acknowledgements decide. */
export class QuorumRunner implements ScenarioRunner {
  run(test: ScenarioCase): string {
    const quorum = readCase(test);
    switch (test.command) {
      case 'committed':
        return runCommitted(quorum);
      case 'vote':
        return runVote(quorum);
      default:
        throw new CommandError('unknown command');
    }
  }
}

/** Acknowledged indexes by voter. */
class Acked implements AckedIndexer {
  readonly #indexes: ReadonlyMap<number, number>;

  constructor(indexes: ReadonlyMap<number, number>) {
    this.#indexes = indexes;
  }

  ackedIndex(id: number): number {
    return this.#indexes.get(id) ?? 0;
  }
}

function readCase(test: ScenarioCase): QuorumCase {
  let incoming: readonly number[] = [];
  let outgoing: readonly number[] = [];
  let isJoint = false;
  let indexes: readonly string[] = [];
  let votes: readonly string[] = [];
  for (const { key, values } of test.args) {
    switch (key) {
      case 'cfg':
        incoming = values.map(parseWhole);
        break;
      case 'cfgj':
        isJoint = true;
        outgoing = values[0] === 'zero' ? [] : values.map(parseWhole);
        break;
      case 'idx':
        indexes = values;
        break;
      case 'votes':
        votes = values;
        break;
      default:
        throw new CommandError(`unknown arg: ${key}`);
    }
  }
  return { incoming, outgoing, isJoint, indexes, votes };
}

/** Pairs values with voters in the order they are given, each voter once; `_` leaves one out. */
function pair<Value>(quorum: QuorumCase, values: readonly string[], read: (text: string) => Value): Map<number, Value> {
  const voters = [...new Set([...quorum.incoming, ...quorum.outgoing])];
  if (voters.length !== values.length) {
    throw new CommandError(`error: mismatched input (explicit or _) for voters ${voters}: ${values}`);
  }
  const pairs = new Map<number, Value>();
  for (const [position, id] of voters.entries()) {
    const text = values[position]!;
    if (text !== '_') pairs.set(id, read(text));
  }
  return pairs;
}

function runVote(quorum: QuorumCase): string {
  const votes = pair(quorum, quorum.votes, (text) => text === 'y');
  const { incoming, outgoing } = quorum;
  if (!quorum.isJoint) return voteNames[majorityVoteResult(incoming, votes)];
  const result = jointVoteResult(incoming, outgoing, votes);
  const swapped = jointVoteResult(outgoing, incoming, votes);
  const complaint = swapped === result ? '' : `${voteNames[swapped]} <-- via symmetry\n`;
  return complaint + voteNames[result];
}

function runCommitted(quorum: QuorumCase): string {
  const indexes = pair(quorum, quorum.indexes, parseWhole);
  const acked = new Acked(indexes);
  const ids = [...new Set([...quorum.incoming, ...quorum.outgoing])].sort((a, b) => a - b);
  const result = quorum.isJoint
    ? jointCommittedIndex(quorum.incoming, quorum.outgoing, acked)
    : majorityCommittedIndex(quorum.incoming, acked);
  const complaints = quorum.isJoint ? checkJoint(quorum, acked, result) : checkMajority(quorum, indexes, result);
  return printCommitTable(ids, indexes) + complaints.join('') + printIndex(result);
}

function checkJoint(quorum: QuorumCase, acked: AckedIndexer, result: number): readonly string[] {
  const swapped = jointCommittedIndex(quorum.outgoing, quorum.incoming, acked);
  return complain([[swapped, 'via symmetry']], result);
}

function checkMajority(quorum: QuorumCase, indexes: ReadonlyMap<number, number>, result: number): readonly string[] {
  const voters = quorum.incoming;
  const acked = new Acked(indexes);
  const checks: [number, string][] = [
    [alternativeCommittedIndex(voters, indexes), 'via alternative computation'],
    [jointCommittedIndex(voters, [], acked), 'via zero-joint quorum'],
    [jointCommittedIndex(voters, voters, acked), 'via self-joint quorum'],
  ];
  for (const id of voters) {
    const index = indexes.get(id) ?? 0;
    if (index === 0 || index >= result) continue;
    // What is below the result already can be lower still without moving it.
    for (const lower of [index - 1, 0]) {
      const overlaid = new Acked(new Map(indexes).set(id, lower));
      checks.push([majorityCommittedIndex(voters, overlaid), `overlaying ${id}->${lower}`]);
    }
  }
  return complain(checks, result);
}

function complain(checks: readonly (readonly [number, string])[], result: number): readonly string[] {
  return checks.filter(([value]) => value !== result).map(([value, how]) => `${printIndex(value)} <-- ${how}\n`);
}

function printIndex(index: number): string {
  return index === Number.POSITIVE_INFINITY ? '∞' : String(index);
}
