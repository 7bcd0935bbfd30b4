/**
 * A bundle for the Open Policy Agent: the graph as data, a policy that judges a token's claims by it, and one that
 * verifies the token of a request to Envoy first.
 */
import type { Plan } from '../../../graph/index.ts';
import type { ExportNote } from '../notes.ts';
import { graphModel } from '../service-model.ts';
import { CLAIMS_POLICY } from './claims-policy.ts';
import { ENVOY_POLICY } from './envoy-policy.ts';
import { graphData } from './graph-data.ts';
import { opaNotes } from './opa-notes.ts';

export interface OpaOptions {
  /** Identities of the gateways that present roots of clients to services with `caller: mtls`. Default: none. */
  readonly gateways?: readonly string[];
}

export interface OpaBundle {
  /** Text by path in the bundle. */
  readonly files: ReadonlyMap<string, string>;
  readonly notes: readonly ExportNote[];
}

/** What the bundle owns. Beside it, in `waybill.jwks`, the operator may put the issuer's keys. */
const ROOTS = ['waybill/graph', 'waybill/authz', 'waybill/envoy'];

/** The same plan and options give the same files. */
export function opaBundle(plan: Plan, { gateways = [] }: OpaOptions = {}): OpaBundle {
  const model = graphModel(plan);
  const manifest = { revision: plan.digest, roots: ROOTS, rego_version: 1 };
  return {
    files: new Map([
      ['.manifest', json(manifest)],
      ['data.json', json({ waybill: { graph: graphData(plan, model, gateways) } })],
      ['policy.rego', CLAIMS_POLICY],
      ['envoy.rego', ENVOY_POLICY],
    ]),
    notes: opaNotes(plan, model, gateways),
  };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
