import { genericScenario } from './generic-scenario.ts';
import type { Scenario } from './scenario.ts';
import { singleScenarios } from './single-scenarios.ts';

const replication = ['1', '5', '5U', '1P', '5P', '1C', '5C', '5UC', '5CP', '5UCP'];
const snapshots = ['1CL', '20CL', '5UL', '5UCL', '5UCPL'];
const membership = ['1CM', '20CM', '5UM', '5UCM', '5UCLM', '5UCPLM'];
const splits = ['1CS', '20CS', '5US', '5UCS', '5UCLMS', '5UCPLMS'];

/** Every row of the matrix. */
export const matrix: readonly Scenario[] = [
  ...[...replication, ...snapshots, ...membership, ...splits].map(genericScenario),
  ...singleScenarios,
];
