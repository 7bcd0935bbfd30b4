/**
 * Configurations of HAProxy: one for each service, before and behind it, as for Envoy. HAProxy reads the issuer's keys from
 * PEM files when it starts.
 */
import type { Plan } from '../../../graph/index.ts';
import { wantedServices } from '../chosen-services.ts';
import { DEFAULT_DEPLOYMENT } from '../envoy/options.ts';
import { noteComments, Notes, notesOn, oneLine, type ExportNote } from '../notes.ts';
import { reportNotes } from '../report/notes.ts';
import { graphModel, sealedNote, type OutboundCallee, type ServiceModel } from '../service-model.ts';
import { inboundSections, speaksTls } from './inbound.ts';
import { hasReadableChild, isRouted, outboundSections } from './outbound.ts';
import { section } from './text.ts';
import type { HaproxyDeployment } from './verify.ts';

export type HaproxyOptions = Partial<Omit<HaproxyDeployment, 'tls'>> & {
  /** `certificate` holds the key, too: HAProxy reads both from one file. */
  readonly tls?: Partial<HaproxyDeployment['tls']>;
  /** Names of the services to write. Default: all. */
  readonly only?: readonly string[] | undefined;
};

export interface HaproxyExport {
  /** Text by service, in the order of declaration. */
  readonly services: ReadonlyMap<string, string>;
  readonly notes: readonly ExportNote[];
}

const DEFAULTS: HaproxyDeployment = {
  ...DEFAULT_DEPLOYMENT,
  tls: { ...DEFAULT_DEPLOYMENT.tls, certificate: '/etc/waybill/tls/tls.pem' },
  keyFiles: ['/etc/waybill/keys/issuer.pem'],
};
const OTHER_HEADERS = 16 * 1024;
const ALGORITHMS: ReadonlySet<string> = new Set(['ES256', 'RS256']);

/** @throws WaybillError `usage` for a service that the graph does not have. */
export function haproxyConfig(plan: Plan, { only, ...given }: HaproxyOptions = {}): HaproxyExport {
  const deployment = { ...DEFAULTS, ...given, tls: { ...DEFAULTS.tls, ...given.tls } };
  const graph = graphModel(plan);
  const wanted = wantedServices(graph, only);
  const notes = new Notes(
    deployment.mode === 'report' ? [...notesOnReports(wanted), ...graph.notes] : graph.notes,
  );
  noteIssuer(plan, notes);
  for (const service of wanted) noteService(service, deployment, notes);
  const list = notesOn(notes.list, ...wanted.map(({ name }) => name));
  return {
    services: new Map(
      wanted.map((service) => [service.name, textOf(plan, service, graph.services, deployment, list)]),
    ),
    notes: list,
  };
}

function textOf(
  plan: Plan,
  service: ServiceModel,
  services: ReadonlyMap<string, ServiceModel>,
  deployment: HaproxyDeployment,
  notes: readonly ExportNote[],
): string {
  const { url, signing, limits } = plan.issuer;
  const tokens = {
    issuer: url,
    algorithm: signing,
    audience: service.audience,
    keyFiles: deployment.keyFiles,
  };
  const head = `# ${service.name} of the graph ${oneLine(plan.name)}, digest ${plan.digest}. Written by waybill export: change the graph, not this file.\n`;
  const calls = service.outbound.some((callee) => isRouted(callee, deployment));
  return `${[
    (head + noteComments(notesOn(notes, service.name))).trimEnd(),
    section('global', [`tune.bufsize ${limits.nested + OTHER_HEADERS}`, 'tune.http.maxhdr 200']),
    section('defaults', [
      'mode http',
      'timeout connect 5s',
      'timeout client 60s',
      'timeout server 60s',
      'timeout http-request 10s',
    ]),
    ...inboundSections(service, tokens, deployment),
    ...(calls ? outboundSections(service, services, tokens, deployment) : []),
  ].join('\n\n')}\n`;
}

function notesOnReports(services: readonly ServiceModel[]): readonly ExportNote[] {
  return reportNotes(
    'Report mode: nothing is refused before the services. What other notes call refused passes, and HAProxy writes a line of JSON for it to standard output. A call without the callee’s token goes out without any.',
    'Calls to hosts that are no callees are answered 403 in report mode, too, because HAProxy has no address for them.',
    ...(services.some(speaksTls)
      ? ['Where the audience of a service begins with https:, a connection without TLS still ends.']
      : []),
  );
}

function noteIssuer({ issuer: { signing, lifetime } }: Plan, notes: Notes): void {
  notes.about(undefined, {
    'signing-algorithm':
      !ALGORITHMS.has(signing) &&
      `HAProxy does not verify ${signing} in every version and refuses to start. Set \`issuer.signing\` to ES256.`,
    revocation: `HAProxy accepts a revoked token until it expires, after ${lifetime} seconds at most. Use \`waybill sidecar\` where that is too long.`,
    'never-issued':
      'HAProxy takes `act` for absent where its `sub` is no text, and sees in `cnf` only texts in `jkt` and `x5t#S256`. The issuer signs no such token.',
    'key-files':
      'HAProxy reads the issuer’s keys from PEM files when it starts. Write them from the key set, the next key too, and reload HAProxy when they change.',
  });
}

function noteService(service: ServiceModel, deployment: HaproxyDeployment, notes: Notes): void {
  const { name, audiences, caller, tokens, inbound, outbound } = service;
  notes.about(name, {
    'caller-unchecked':
      caller === 'mtls' &&
      'HAProxy does not see the URI in a certificate, so it cannot check who presents a token, and no request is allowed. Use Envoy or `waybill sidecar`.',
    'packed-encoding':
      tokens.packed !== 'never' &&
      `HAProxy refuses packed tokens, ${tokens.packed === 'always' ? 'and the graph packs them' : 'which a client may ask for'}. Set \`accepts: jwt\`, or use \`waybill sidecar\`.`,
    'sealed-tokens': sealedNote('HAProxy', tokens),
    'bound-tokens':
      tokens.roots &&
      'HAProxy cannot check the key of a bound root (`cnf`) and refuses it. Put a gateway before the service that swaps it, or use `waybill sidecar`.',
    'several-audiences':
      audiences.length > 1 &&
      'HAProxy cannot read a list of audiences, so it refuses every token for this service. Use Envoy or `waybill sidecar`.',
    'forwarded-token':
      inbound.some(({ callers }) => callers.some(({ forwardedBy }) => forwardedBy !== undefined)) &&
      'HAProxy cannot read a list of audiences, so it refuses a token that was passed on to this service. Embed the call.',
  });
  for (const callee of outbound)
    if (!hasReadableChild(callee) || !isRouted(callee, deployment))
      notes.about(name, withoutToken(callee, isRouted(callee, deployment)));
}

/** Why calls to it do not go out with its token. */
function withoutToken({ name, mode }: OutboundCallee, goesOut: boolean): Parameters<Notes['about']>[1] {
  const end = goesOut ? 'so calls to it go out without a token' : 'so calls to it are answered 403';
  const hasDot = name.includes('.');
  return {
    'on-demand':
      mode === 'exchange' &&
      `HAProxy cannot fetch the token of ${name}, ${end}. Use \`waybill sidecar\`, or embed the call.`,
    'forwarded-token': mode === 'forward' && `HAProxy passes no token on to ${name}, ${end}. Embed the call.`,
    'unrouted-callee':
      mode === 'none' && `Calls to ${name} carry no token. Let the service call it directly.`,
    'name-unsupported':
      mode === 'embed' &&
      hasDot &&
      `HAProxy cannot find the token of ${name}, whose name has a dot, ${end}. Rename it, or use \`waybill sidecar\`.`,
    'no-address':
      mode === 'embed' &&
      !hasDot &&
      `The audience of ${name} names no host, ${end}. Give --address ${name}=HOST:PORT.`,
  };
}
