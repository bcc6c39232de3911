export { drawPlan, profiles, type SimulationPlan } from './plan.ts';
export { type SimulationOutcome, simulate } from './simulation.ts';
