export { type Suite, suites } from './suites.ts';
