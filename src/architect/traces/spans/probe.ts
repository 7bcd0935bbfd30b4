/**
 * Health checks and metrics: the platform asks for them, of every service, without a token. As operations they would
 * become scopes that no client needs.
 */
const PATHS: ReadonlySet<string> = new Set([
  '/healthz',
  '/livez',
  '/readyz',
  '/startupz',
  '/healthz/live',
  '/healthz/ready',
  '/health',
  '/health/live',
  '/health/ready',
  '/health/liveness',
  '/health/readiness',
  '/healthcheck',
  '/metrics',
  '/-/healthy',
  '/-/ready',
  '/actuator/health',
  '/actuator/health/liveness',
  '/actuator/health/readiness',
  '/actuator/prometheus',
  '/q/health',
  '/q/health/live',
  '/q/health/ready',
  '/q/health/started',
  '/q/metrics',
  '/stats/prometheus',
]);
const RPCS: ReadonlySet<string> = new Set(
  ['Check', 'Watch', 'List'].map((name) => `/grpc.health.v1.Health/${name}`),
);
/** The path, where the method is one that reads or none is known. */
const READ = /^(?:(?:GET|HEAD) )?(\/[^ ]*)$/;

/** @param operation as `operationName` spells it. */
export function isProbe(operation: string): boolean {
  const path = READ.exec(operation)?.[1] ?? '';
  const trimmed = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  return PATHS.has(trimmed) || RPCS.has(path);
}
