/** Metrics of an issuer, for the management port. */
export { IssuerMetrics, type MetricSources, type MetricValues } from './issuer-metrics.ts';
export { sumOfMetrics } from './sum.ts';
