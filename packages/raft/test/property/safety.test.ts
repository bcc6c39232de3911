import {
  type Arbitrary,
  array,
  boolean,
  assert as check,
  constant,
  constantFrom,
  integer,
  nat,
  oneof,
  property,
  record,
  tuple,
} from 'fast-check';
import { expect, test } from 'vitest';
import type { ConfChangeKind, ConfChangeTransition } from '../../src/confchange/conf-change.ts';
import { type Action, makeChange, Simulation, type SimulationOptions } from './simulation.ts';

const runs = Number(process.env['RAFT_PROPERTY_RUNS'] ?? 300);
const seed = Number(process.env['RAFT_PROPERTY_SEED'] ?? 20_261_121);
const path = process.env['RAFT_PROPERTY_PATH'];

const options: Arbitrary<SimulationOptions> = record({
  voters: constantFrom(3, 3, 3, 4, 5, 6, 7),
  spares: integer({ min: 0, max: 2 }),
  asyncStorageWrites: boolean(),
  batchAppends: boolean(),
  preVote: boolean(),
  checkQuorum: boolean(),
  stepDownOnRemoval: boolean(),
  maxInflightMessages: constantFrom(1, 2, 256),
  maxSizePerMessage: constantFrom(0, 64, Number.POSITIVE_INFINITY),
  maxCommittedSizePerReady: constantFrom(1, 64, Number.POSITIVE_INFINITY),
});

const kinds: readonly ConfChangeKind[] = ['addVoter', 'addLearner', 'remove', 'update'];
const transitions: readonly ConfChangeTransition[] = ['auto', 'auto', 'jointImplicit', 'jointExplicit'];
const steps = array(record({ kind: constantFrom(...kinds), node: nat(6) }), { maxLength: 3 });

const node = nat(6);
const simple = constantFrom(
  'append',
  'apply',
  'local',
  'drain',
  'drain',
  'restart',
  'compact',
  'read',
  'forget',
  'campaign',
);

const action: Arbitrary<Action> = oneof(
  { weight: 8, arbitrary: record({ type: constant('tick'), node, ticks: integer({ min: 1, max: 6 }) }) },
  {
    weight: 12,
    arbitrary: record({
      type: constant('ready'),
      node,
      interruption: constantFrom('none', 'none', 'none', 'none', 'none', 'none', 'beforeWrite', 'afterWrite'),
    }),
  },
  { weight: 10, arbitrary: record({ type: simple, node }) },
  {
    weight: 20,
    arbitrary: record({ type: constantFrom('deliver', 'deliver', 'deliver', 'drop', 'duplicate'), message: nat(199) }),
  },
  { weight: 10, arbitrary: record({ type: constant('receive'), node }) },
  { weight: 6, arbitrary: record({ type: constant('propose'), node, size: nat(40) }) },
  {
    weight: 3,
    arbitrary: record({
      type: constant('change'),
      node,
      change: tuple(constantFrom(...transitions), steps).map(([transition, list]) => makeChange(transition, list)),
      isV1: constant(false),
    }),
  },
  {
    weight: 1,
    arbitrary: record({
      type: constant('change'),
      node,
      change: record({ kind: constantFrom(...kinds), node }).map((step) => makeChange('auto', [step])),
      isV1: constant(true),
    }),
  },
  { weight: 2, arbitrary: record({ type: constantFrom('transfer', 'unreachable'), node, target: node }) },
  { weight: 1, arbitrary: record({ type: constant('snapshotStatus'), node, target: node, failed: boolean() }) },
  { weight: 1, arbitrary: record({ type: constant('snapshotBusy'), node, busy: boolean() }) },
  { weight: 1, arbitrary: record({ type: constant('isolate'), node: nat(7) }) },
  { weight: 3, arbitrary: record({ type: constant('settle'), rounds: integer({ min: 1, max: 4 }) }) },
) as Arbitrary<Action>;

test('the invariants of figure 3 hold under loss, reordering, duplication, crashes and changes of membership', () => {
  let committed = 0;
  check(
    property(options, array(action, { minLength: 150, maxLength: 400, size: 'max' }), (setting, actions) => {
      const simulation = new Simulation(setting);
      simulation.perform({ type: 'settle', rounds: 5 });
      for (const each of actions) simulation.perform(each);
      committed += simulation.cluster.lastCommitted;
    }),
    { numRuns: runs, seed, ...(path === undefined ? {} : { path }) },
  );
  if (path !== undefined) return;
  // Runs in which nothing is ever committed would prove nothing.
  expect(committed / runs).toBeGreaterThan(10);
}, 600_000);
