/**
 * A bundle for the Open Policy Agent: the graph as data, a policy that judges a token's claims by it, and one that
 * verifies the token of a request to Envoy first.
 */
import type { Plan } from '../../../graph/index.ts';
import type { ExportNote } from '../notes.ts';
import type { ExportMode } from '../report/mode.ts';
import { graphModel } from '../service-model.ts';
import { CLAIMS_POLICY } from './claims-policy.ts';
import { ENVOY_POLICY } from './envoy-policy.ts';
import { graphData } from './graph-data.ts';
import { REPORT_NOTES, opaNotes } from './opa-notes.ts';
import { CLAIMS_REFUSAL, ENVOY_REPORT } from './report-policy.ts';

export interface OpaOptions {
  /** Identities of the gateways that present roots of clients to services with `caller: mtls`. Default: none. */
  readonly gateways?: readonly string[];
  /** `report`: with `waybill/envoy/report`, which lets requests pass and says what is denied. Default: enforce. */
  readonly mode?: ExportMode;
}

export interface OpaBundle {
  /** Text by path in the bundle. */
  readonly files: ReadonlyMap<string, string>;
  readonly notes: readonly ExportNote[];
}

/** What the bundle owns. Beside it, in `waybill.jwks`, the operator may put the issuer's keys. */
const ROOTS = ['waybill/graph', 'waybill/authz', 'waybill/envoy'];

const REPORT_FILES: readonly (readonly [name: string, text: string])[] = [
  ['refusal.rego', CLAIMS_REFUSAL],
  ['report.rego', ENVOY_REPORT],
];

/** The same plan and options give the same files. */
export function opaBundle(plan: Plan, { gateways = [], mode = 'enforce' }: OpaOptions = {}): OpaBundle {
  const model = graphModel(plan);
  const manifest = { revision: plan.digest, roots: ROOTS, rego_version: 1 };
  return {
    files: new Map([
      ['.manifest', json(manifest)],
      ['data.json', json({ waybill: { graph: graphData(plan, model, gateways) } })],
      ['policy.rego', CLAIMS_POLICY],
      ['envoy.rego', ENVOY_POLICY],
      ...(mode === 'report' ? REPORT_FILES : []),
    ]),
    notes: [...(mode === 'report' ? REPORT_NOTES : []), ...opaNotes(plan, model, gateways)],
  };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
