/**
 * What each service accepts and calls, by the graph: the basis of every export. Everything here is what a token says; how
 * a target checks it is the target's affair.
 */
import { conditionTexts, endTexts, type CallMode, type Plan, type ServicePlan } from '../../graph/index.ts';
import { parseUrl } from '../../input/url.ts';
import { callsOf, type InboundCall } from './calls.ts';
import { inboundRules, type InboundRule } from './inbound.ts';
import { Notes, type ExportNote } from './notes.ts';

export interface ServiceModel {
  readonly name: string;
  /** The primary one. */
  readonly audience: string;
  readonly audiences: readonly string[];
  /** Its callees' tokens name it so (`act.sub`, and `act.also` for the others), the primary one first. */
  readonly identities: readonly string[];
  /** `mtls`: the connection's certificate must be that of the caller that the token names. */
  readonly caller: ServicePlan['caller'];
  /** One for each scope that somebody calls, in the order of declaration. */
  readonly inbound: readonly InboundRule[];
  /** One for each callee, in the order of declaration. */
  readonly outbound: readonly OutboundCallee[];
  readonly tokens: PossibleTokens;
}

export interface OutboundCallee {
  readonly name: string;
  /** The primary one; undefined for a callee that the graph does not declare (`mode: none`). */
  readonly audience: string | undefined;
  readonly audiences: readonly string[];
  /** `embed`: its token lies in the caller's; `exchange`: the caller fetches it; `forward`: it takes the caller's; `none`: it gets none. */
  readonly mode: CallMode;
  /** Host of the audience, with the port where that is not the scheme's own; undefined if the audience is no http(s) URL. */
  readonly authority: string | undefined;
}

/** What tokens of a service may be like, beyond plain nested JWTs. */
export interface PossibleTokens {
  /** Whether clients call it, so that roots arrive. Those may be bound to a key (`cnf`). */
  readonly roots: boolean;
  /** `always`: the graph says so; `on-request`: a client may ask for it; `never`: it has no children, or `accepts: jwt`. */
  readonly packed: 'always' | 'on-request' | 'never';
  /** Whether an embedded callee's token may become one on demand, where the tree does not fit (`overflow: exchange`). */
  readonly overflow: boolean;
  /** Which of them are encrypted to the service, so that no proxy can read them. */
  readonly sealed: 'all' | 'some' | 'none';
  /** Whether claims for later exchanges may be inside, encrypted to the issuer (`held`). */
  readonly held: boolean;
}

export interface GraphModel {
  readonly services: ReadonlyMap<string, ServiceModel>;
  /** What no target can express, or only with a condition. Each target adds its own. */
  readonly notes: readonly ExportNote[];
}

export function graphModel(plan: Plan): GraphModel {
  const notes = new Notes();
  const calls = callsOf(plan);
  const services = new Map<string, ServiceModel>();
  for (const service of plan.services.values()) {
    const { name, audience, audiences, identities, caller } = service;
    const { into, from } = calls.get(service) ?? { into: [], from: [] };
    const outbound = from.map((branch) => ({
      name: branch.callee,
      audience: branch.service?.audience,
      audiences: branch.service?.audiences ?? [],
      mode: branch.mode,
      authority: branch.service && authorityOf(branch.service.audience),
    }));
    noteConditions(name, into, notes);
    noteEnds(name, into, notes);
    const embeds = outbound.some(({ mode }) => mode === 'embed');
    services.set(name, {
      ...{ name, audience, audiences, identities, caller, outbound },
      inbound: inboundRules(service, into, notes),
      tokens: {
        roots: into.some(({ caller: by }) => by.kind === 'client'),
        packed:
          !embeds || service.accepts === 'jwt'
            ? 'never'
            : plan.issuer.encoding === 'packed'
              ? 'always'
              : 'on-request',
        overflow: embeds && plan.issuer.overflow === 'exchange' && service.auth !== undefined,
        sealed: sealedOf(into),
        held: hasSubjects(plan) && outbound.some(({ mode }) => mode === 'exchange'),
      },
    });
  }
  return { services, notes: notes.list };
}

function sealedOf(into: readonly InboundCall[]): PossibleTokens['sealed'] {
  if (!into.some(({ sealed }) => sealed)) return 'none';
  return into.every(({ sealed }) => sealed) ? 'all' : 'some';
}

/** @param target which cannot decrypt. @returns what to say of a service with sealed tokens. */
export function sealedNote(target: string, { sealed }: PossibleTokens): string | undefined {
  if (sealed === 'none') return undefined;
  const which = sealed === 'all' ? 'Its tokens are sealed' : 'Some of its tokens are sealed';
  return `${which} to it, and ${target} cannot open them: such requests are refused. Put \`waybill sidecar\` before the service, with its keys.`;
}

/** The issuer decides them when it issues a tree; a token that has the scope has met them. */
function noteConditions(service: string, into: readonly InboundCall[], notes: Notes): void {
  for (const { caller, when } of into) {
    const conditions = conditionTexts(when);
    if (conditions.length === 0) continue;
    notes.add(
      'granted-on-condition',
      service,
      `${caller.name} gets ${conditions.join('; ')}. The issuer decides that; here the scope alone is checked.`,
    );
  }
}

/** The issuer ends them by itself. Rules that still allow the call then allow a token that nobody gets. */
function noteEnds(service: string, into: readonly InboundCall[], notes: Notes): void {
  for (const { caller, scopes, ends } of into)
    for (const text of endTexts(ends, scopes.length))
      notes.add(
        'call-ends',
        service,
        `${caller.name} may call it ${text}. After that day the issuer issues no token for it; export again to take the rule out.`,
      );
}

function hasSubjects({ clients }: Plan): boolean {
  return [...clients.values()].some(({ subjects }) => subjects.length > 0);
}

/** `shop.example`, `shop.example:8443`, `[::1]:8080`. */
export function authorityOf(audience: string): string | undefined {
  const url = parseUrl(audience);
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') return undefined;
  return url.username === '' && url.password === '' ? url.host : undefined;
}
