/** The metrics of several processes as those of one. */
import { AggregatorRegistry } from 'prom-client';
import type { MetricValues } from './issuer-metrics.ts';

/** @returns what `/metrics` answers: counts are added up; of states, the worst is shown. */
export async function sumOfMetrics(processes: readonly MetricValues[]): Promise<string> {
  return AggregatorRegistry.aggregate([...processes]).metrics();
}
