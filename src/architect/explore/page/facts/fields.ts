/** Which facts of a request can be filled in: those that its conditions read, and values that its tokens carry. */
import {
  conjunctsOfRequest,
  factName,
  factsOf,
  type ClaimPlan,
  type ClientPlan,
  type Plan,
} from '../../../../graph/index.ts';
import type { CallView } from '../../../../planning/index.ts';

/** A fact, by the name that conditions use: `subject.role`. */
export interface FactField {
  readonly name: string;
  /** Values to choose among; empty: any. */
  readonly values: readonly string[];
  /** What is written into it. */
  readonly hint: string;
}

/** @param root the tree in the worst case. */
export function factFields(plan: Plan, client: ClientPlan, root: CallView): readonly FactField[] {
  const calls = client.calls.filter(({ service }) => service?.name === root.service);
  const scopes = calls.flatMap((call) => call.scopes.filter(({ name }) => root.scope.includes(name)));
  const read = new Map(
    conjunctsOfRequest(plan, calls, scopes)
      .flatMap(({ expression }) => factsOf(expression))
      .filter(({ source }) => source !== 'client')
      .map((fact) => [factName(fact), hintOf(fact.type)]),
  );
  const carried = [...plan.claims.values()].filter((claim) => isCarried(root, claim));
  const ofClaims = carried.flatMap((claim) => {
    const name = factOf(claim);
    return name === undefined ? [] : [[name, hintOf(claim.type)] as const];
  });
  const isOfUser = client.subjects.length > 0;
  // Levels and providers decide together, and a user has all of them.
  const ofLogin = [...read.keys()].some((name) => /^(auth|provider)/.test(name));
  const login = ofLogin ? ['provider', 'auth.acr', 'auth.age'] : [];
  const names = new Set([...login, ...read.keys(), ...ofClaims.map(([name]) => name)]);
  const hints = new Map([...ofClaims, ...read]);
  return [...names]
    .filter((name) => isOfUser || name.startsWith('request.'))
    .map((name) => ({ name, values: valuesOf(plan, client, name), hint: hints.get(name) ?? '' }));
}

function factOf({ name, source }: ClaimPlan): string | undefined {
  if ('setBy' in source) return `request.${name}`;
  return 'path' in source && source.from === 'subject' ? `subject.${name}` : undefined;
}

function isCarried(view: CallView, claim: ClaimPlan): boolean {
  return (
    view.claims.some((name) => name === claim.name || name === `${claim.name}!`) ||
    view.calls.some((call) => isCarried(call, claim))
  );
}

function hintOf(type: ClaimPlan['type']): string {
  return { any: 'text or JSON', string: 'text', int: 'number', bool: 'true or false', strings: 'a, b' }[type];
}

function valuesOf({ claims }: Plan, { subjects }: ClientPlan, name: string): readonly string[] {
  if (name === 'provider') return subjects.map((subject) => subject.name);
  if (name === 'auth.acr')
    return [...new Set(subjects.flatMap(({ acr }) => [...(acr?.values() ?? [])].flat()))];
  const { type, values } = claims.get(name.slice(name.indexOf('.') + 1)) ?? {};
  if (type === 'bool') return ['true', 'false'];
  return type === 'string' ? (values ?? []).map(String) : [];
}
