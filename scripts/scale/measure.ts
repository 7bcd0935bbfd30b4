/**
 * Compiles the graph of a folder and prints what that took, as JSON. Run as a process of its own, so that nothing else
 * counts. With a second argument, `compile`, no tree is planned.
 */
import { compileGraph } from './built.ts';
import { issuingTime } from './issuing.ts';

export interface Measured {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  readonly findings: readonly string[];
  readonly services: number;
  readonly calls: number;
  readonly trees: number;
  /** Microseconds to plan one tree of 16 tokens, here and in a graph that has nothing else. */
  readonly issuing: { readonly tokens: number; readonly here: number; readonly alone: number } | undefined;
}

const [folder = '', what = 'all'] = process.argv.slice(2);
const before = process.cpuUsage();
const started = performance.now();
const { plan, findings, trees } = compileGraph([folder]);
const seconds = (performance.now() - started) / 1_000;
const { user, system } = process.cpuUsage(before);
const services = [...(plan?.services.values() ?? [])];
const measured: Measured = {
  seconds,
  cpuSeconds: (user + system) / 1e6,
  peakBytes: process.resourceUsage().maxRSS * 1_024,
  findings: findings.map(
    ({ severity, code, file, line, message }) => `${severity} ${code} ${file}:${line} ${message}`,
  ),
  services: services.length,
  calls: services.reduce(
    (sum, service) =>
      [service, ...service.scopes.values()].reduce((own, holder) => own + holder.calls.length, sum),
    0,
  ),
  trees: trees.length,
  issuing: plan && what === 'all' ? issuingTime(plan) : undefined,
};
process.stdout.write(JSON.stringify(measured));
