/** Tests of a graph: what must hold of it, whatever else changes. */
export { runTests, type TestResult, type TestRun } from './run.ts';
