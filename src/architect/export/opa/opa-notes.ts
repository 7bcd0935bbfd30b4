/** What the policies of the bundle cannot do with a graph. */
import type { Plan } from '../../../graph/index.ts';
import { Notes, type ExportNote } from '../notes.ts';
import { reportNotes } from '../report/notes.ts';
import { parseOperation } from '../operations/index.ts';
import { sealedNote, type GraphModel, type ServiceModel } from '../service-model.ts';

export const REPORT_NOTES = reportNotes(
  'Report mode: the bundle has the decision waybill/envoy/report beside waybill/envoy/allow. Write it as `path` into the configuration of opa-envoy: then no request is denied, and what other notes call denied is reported.',
  'Programs that ask for waybill/authz/allow let a request pass themselves; waybill/authz/refusal says why it would be denied. Without an answer of OPA, Envoy refuses requests in report mode, too, unless its filter has `failure_mode_allow`.',
);

export function opaNotes(
  plan: Plan,
  { services, notes: ofGraph }: GraphModel,
  gateways: readonly string[],
): readonly ExportNote[] {
  const notes = new Notes(ofGraph.filter(({ code }) => code !== 'operation-not-http'));
  noteIssuer(plan, notes);
  notes.about(undefined, {
    'several-uris':
      [...services.values()].some(({ caller }) => caller === 'mtls') &&
      'Of several URIs in a certificate Envoy names the first alone, and waybill/envoy/allow takes it for the only one unless Envoy sends the certificate (`include_peer_certificate`).',
  });
  for (const service of services.values()) {
    noteOperations(plan, service, notes);
    noteTokens(service, gateways, notes);
  }
  return notes.list;
}

function noteIssuer({ issuer: { signing, lifetime } }: Plan, notes: Notes): void {
  notes.about(undefined, {
    'signing-algorithm':
      signing === 'Ed25519' &&
      'OPA does not know the algorithm Ed25519, so waybill/envoy/allow denies every token. Set `issuer.signing` to ES256.',
    revocation: `OPA accepts a revoked token until it expires, after ${lifetime} seconds at most. Use \`waybill sidecar\` where that is too long.`,
  });
}

function noteOperations(plan: Plan, { name, inbound }: ServiceModel, notes: Notes): void {
  for (const { scope } of inbound)
    for (const text of plan.services.get(name)?.scopes.get(scope)?.operations ?? [])
      if (parseOperation(text).refused === 'not-http')
        notes.add(
          'operation-not-http',
          name,
          `\`${text}\` of ${scope} has no path, so only waybill/authz/allow allows it, where \`input.operation\` names it.`,
        );
}

function noteTokens({ name, caller, tokens }: ServiceModel, gateways: readonly string[], notes: Notes): void {
  const packed =
    tokens.packed === 'always' ? 'The graph packs its tokens' : 'A client may ask for a packed token';
  notes.about(name, {
    'packed-encoding':
      tokens.packed !== 'never' &&
      `${packed}, which waybill/envoy/allow denies. Set \`accepts: jwt\`, or use \`waybill sidecar\`.`,
    'sealed-tokens': sealedNote('OPA', tokens),
    'bound-tokens':
      tokens.roots &&
      'waybill/envoy/allow denies a root that is bound to a DPoP key, and one that is bound to a certificate unless Envoy sends that (`include_peer_certificate`). Use `gateway` or `waybill sidecar` for DPoP.',
    'no-gateway':
      tokens.roots &&
      caller === 'mtls' &&
      gateways.length === 0 &&
      'Roots of clients that are bound to no key are denied, because a root names no caller to compare with the certificate. Name the identity of the gateway that presents them with --gateway.',
  });
}
