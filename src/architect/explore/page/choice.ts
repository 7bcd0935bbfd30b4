/** What is chosen in the page, stored in the URL's fragment, so that a link shows the same. Contains no tokens. */
import type { ClientPlan, Plan, ServicePlan } from '../../../graph/index.ts';
import { ENCODINGS, SIGNING_ALGORITHMS } from '../../../token/index.ts';
import { NO_FACTS, type GivenFacts } from './facts/request-facts.ts';
import { NO_CHANGES, type Changes, type TriedMode } from './what-if.ts';

export const VIEWS = ['request', 'holders', 'findings', 'token'] as const;
export type ViewName = (typeof VIEWS)[number];

export const FOCUSES = ['request', 'around', 'all'] as const;
export type Focus = (typeof FOCUSES)[number];

export interface Choice {
  readonly view: ViewName;
  readonly client: string;
  readonly entry: string;
  readonly scopes: readonly string[];
  /** The selected service or client; empty if none. */
  readonly selected: string;
  /** The selected one of its tokens: names from the entry down, `frontend/checkout`; empty for the first. */
  readonly path: string;
  readonly focus: Focus;
  readonly changes: Changes;
  /** What is known of the request. */
  readonly facts: GivenFacts;
}

/** A service that a client may ask for, with the permitted scopes. */
export interface Entry {
  readonly service: ServicePlan;
  readonly scopes: readonly string[];
}

export function entriesOf(client: ClientPlan): readonly Entry[] {
  const entries = new Map<ServicePlan, string[]>();
  for (const { service, mode, scopes } of client.calls) {
    if (!service || mode === 'none') continue;
    const names = entries.get(service) ?? [];
    entries.set(service, [...new Set([...names, ...scopes.map((scope) => scope.name)])]);
  }
  return [...entries].map(([service, scopes]) => ({ service, scopes }));
}

/** Replaces what the plan does not have by the client's defaults. */
export function fitted(choice: Choice, plan: Plan): Choice {
  const client = plan.clients.get(choice.client) ?? [...plan.clients.values()][0];
  if (!client) return { ...choice, client: '', entry: '', scopes: [], selected: '', path: '' };
  const entries = entriesOf(client);
  const isDefault = ({ scopes }: Entry): boolean =>
    scopes.some((scope) => client.defaultScopes.includes(scope));
  const entry =
    entries.find(({ service }) => service.name === choice.entry) ?? entries.find(isDefault) ?? entries[0];
  const asked = entry?.scopes.filter((scope) => choice.scopes.includes(scope)) ?? [];
  const byDefault = entry?.scopes.filter((scope) => client.defaultScopes.includes(scope)) ?? [];
  const first = entry?.scopes.slice(0, 1) ?? [];
  const known = plan.services.has(choice.selected) || plan.clients.has(choice.selected);
  return {
    ...choice,
    client: client.name,
    entry: entry?.service.name ?? '',
    scopes: [asked, byDefault, first].find((scopes) => scopes.length > 0) ?? [],
    selected: known ? choice.selected : '',
    path: known ? choice.path : '',
  };
}

const oneOf = <Value extends string>(values: readonly Value[], text: string | null): Value | undefined =>
  values.find((value) => value === text);

export function readChoice(hash: string): Choice {
  const given = new URLSearchParams(hash.replace(/^#/, ''));
  const encoding = oneOf(ENCODINGS, given.get('encoding'));
  const signing = oneOf(SIGNING_ALGORITHMS, given.get('signing'));
  const modes = given.getAll('mode').flatMap((text): [string, TriedMode][] => {
    const [call = '', mode = ''] = text.split(':');
    const known = oneOf<TriedMode>(['embed', 'exchange'], mode);
    return known ? [[call, known]] : [];
  });
  return {
    view: oneOf(VIEWS, given.get('view')) ?? 'request',
    client: given.get('client') ?? '',
    entry: given.get('entry') ?? '',
    scopes: (given.get('scope') ?? '').split(' ').filter((scope) => scope !== ''),
    selected: given.get('service') ?? '',
    path: given.get('path') ?? '',
    focus: oneOf(FOCUSES, given.get('focus')) ?? 'request',
    facts: { ...NO_FACTS, ...factsIn(given) },
    changes: {
      ...NO_CHANGES,
      ...(encoding ? { encoding } : {}),
      ...(signing ? { signing } : {}),
      modes: Object.fromEntries(modes),
    },
  };
}

/** Longer texts are no values of a claim. */
const MAX_FACT = 1024;

/** `fact=auth.age=300` */
function factsIn(given: URLSearchParams): GivenFacts {
  return Object.fromEntries(
    given.getAll('fact').flatMap((text): [string, string][] => {
      const at = text.indexOf('=');
      const known = /^(provider|auth\.acr|auth\.age|(subject|request)\..+)$/.test(text.slice(0, at));
      return at > 0 && known && text.length <= MAX_FACT ? [[text.slice(0, at), text.slice(at + 1)]] : [];
    }),
  );
}

export function writeChoice(choice: Choice): string {
  const { view, client, entry, scopes, selected, path, focus, changes, facts } = choice;
  const written = new URLSearchParams();
  const say = (name: string, value: string | undefined, silent = ''): void => {
    if (value !== undefined && value !== silent) written.append(name, value);
  };
  say('view', view, 'request');
  say('client', client);
  say('entry', entry);
  say('scope', scopes.join(' '));
  say('service', selected);
  say('path', path);
  say('focus', focus, 'request');
  say('encoding', changes.encoding);
  say('signing', changes.signing);
  for (const [call, mode] of Object.entries(changes.modes)) say('mode', `${call}:${mode}`);
  for (const [name, text] of Object.entries(facts)) say('fact', `${name}=${text}`);
  return `#${written.toString()}`;
}
