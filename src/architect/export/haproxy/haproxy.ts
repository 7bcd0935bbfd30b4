/**
 * Configurations of HAProxy: one for each service, before and behind it, as for Envoy. HAProxy reads the issuer's keys from
 * PEM files when it starts.
 */
import { usageError } from '../../../errors.ts';
import { didYouMean, type Plan } from '../../../graph/index.ts';
import { DEFAULT_DEPLOYMENT } from '../envoy/options.ts';
import { noteText, Notes, type ExportNote } from '../notes.ts';
import { graphModel, type ServiceModel } from '../service-model.ts';
import { inboundSections } from './inbound.ts';
import { isRouted, outboundSections } from './outbound.ts';
import { section } from './text.ts';
import type { HaproxyDeployment } from './verify.ts';

export type HaproxyOptions = Partial<Omit<HaproxyDeployment, 'tls' | 'mode'>> & {
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
  const wanted = (only ?? [...graph.services.keys()]).map(
    (name) =>
      graph.services.get(name) ??
      raise(`The graph has no service ${name}. ${didYouMean(name, graph.services.keys())}`.trimEnd()),
  );
  const notes = new Notes();
  for (const { code, service, message } of graph.notes) notes.add(code, service, message);
  noteIssuer(plan, notes);
  for (const service of wanted) noteService(service, deployment, notes);
  const names = new Set(wanted.map(({ name }) => name));
  const list = notes.list.filter(({ service }) => service === undefined || names.has(service));
  return {
    services: new Map(
      wanted.map((service) => [service.name, textOf(plan, service, graph.services, deployment, list)]),
    ),
    notes: list,
  };
}

function raise(message: string): never {
  throw usageError(message);
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
  const name = plan.name.replace(/[\p{Cc}\u2028\u2029]/gu, ' ');
  const own = notes.filter((note) => note.service === undefined || note.service === service.name);
  const head = [
    `# ${service.name} of the graph ${name}, digest ${plan.digest}. Written by waybill export: change the graph, not this file.`,
    ...own.map((note) => `# ${noteText(note)}`),
  ];
  const calls = service.outbound.some((callee) => isRouted(callee, deployment));
  return `${[
    head.join('\n'),
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

function noteIssuer({ issuer }: Plan, notes: Notes): void {
  if (!ALGORITHMS.has(issuer.signing))
    notes.add(
      'signing-algorithm',
      undefined,
      `HAProxy does not verify ${issuer.signing} in every version and refuses to start. Set \`issuer.signing\` to ES256.`,
    );
  notes.add(
    'revocation',
    undefined,
    `HAProxy accepts a revoked token until it expires, after ${issuer.lifetime} seconds at most. Use \`waybill sidecar\` where that is too long.`,
  );
  notes.add(
    'key-files',
    undefined,
    'HAProxy reads the issuer’s keys from PEM files when it starts. Write them from the key set, the next key too, and reload HAProxy when they change.',
  );
}

function noteService(service: ServiceModel, deployment: HaproxyDeployment, notes: Notes): void {
  const { name, caller, tokens, outbound } = service;
  if (caller === 'mtls')
    notes.add(
      'caller-unchecked',
      name,
      'HAProxy does not see the URI in a certificate, so it cannot check who presents a token, and no request is allowed. Use Envoy or `waybill sidecar`.',
    );
  if (tokens.packed !== 'never')
    notes.add(
      'packed-encoding',
      name,
      `HAProxy refuses packed tokens, ${tokens.packed === 'always' ? 'and the graph packs them' : 'which a client may ask for'}. Set \`accepts: jwt\`, or use \`waybill sidecar\`.`,
    );
  if (tokens.roots)
    notes.add(
      'bound-tokens',
      name,
      'HAProxy cannot check the key of a bound root (`cnf`) and refuses it. Put a gateway before the service that swaps it, or use `waybill sidecar`.',
    );
  if (service.inbound.some(({ callers }) => callers.some(({ forwardedBy }) => forwardedBy !== undefined)))
    notes.add(
      'forwarded-token',
      name,
      'HAProxy cannot read a list of audiences, so it refuses a token that was passed on to this service. Embed the call.',
    );
  for (const callee of outbound) if (!isRouted(callee, deployment)) noteCallee(name, callee, notes);
}

function noteCallee(name: string, callee: OutboundOf, notes: Notes): void {
  const end = 'so calls to it are answered 403';
  switch (callee.mode) {
    case 'exchange':
      notes.add(
        'on-demand',
        name,
        `HAProxy cannot fetch the token of ${callee.name}, ${end}. Use \`waybill sidecar\`, or embed the call.`,
      );
      break;
    case 'forward':
      notes.add(
        'forwarded-token',
        name,
        `HAProxy passes no token on to ${callee.name}, ${end}. Embed the call.`,
      );
      break;
    case 'none':
      notes.add(
        'unrouted-callee',
        name,
        `Calls to ${callee.name} carry no token. Let the service call it directly.`,
      );
      break;
    case 'embed':
      if (callee.name.includes('.'))
        notes.add(
          'name-unsupported',
          name,
          `HAProxy cannot find the token of ${callee.name}, whose name has a dot, ${end}. Rename it, or use \`waybill sidecar\`.`,
        );
      else
        notes.add(
          'no-address',
          name,
          `The audience of ${callee.name} names no host, ${end}. Give --address ${callee.name}=HOST:PORT.`,
        );
  }
}

type OutboundOf = ServiceModel['outbound'][number];
