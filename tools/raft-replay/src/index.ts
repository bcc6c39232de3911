export { printDifference } from './difference.ts';
export { findScenarios, type ScenarioFile } from './find-scenarios.ts';
export { replayScenario, rewriteScenario, type ScenarioFailure, type ScenarioKind, scenarioKinds } from './replay.ts';
