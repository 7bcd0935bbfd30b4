/** Every name that the graph uses is declared; every caller is one that the callee allows. */
import type { CallDeclaration, ClaimUse, GraphDeclaration, At } from '../declare/declaration.ts';
import type { FindingCode } from '../explanations.ts';
import { causeOfParties } from '../causes.ts';
import type { Findings } from '../finding.ts';
import { getOrAdd } from '../../get-or-add.ts';
import type { Section } from '../load/merge.ts';
import { fewNames } from '../name-list.ts';
import { keysOf, pointerTo } from '../misread.ts';
import { didYouMean, looksLikePattern, orPattern } from '../names.ts';

/** Where such names are declared. */
const SECTIONS = {
  'unknown-owner': ['owners'],
  'unknown-caller': ['clients', 'services'],
  'unknown-service': ['services'],
  'unknown-subject': ['subjects'],
  'unknown-zone': ['zones'],
} as const satisfies Partial<Record<FindingCode, readonly (Section | 'owners')[]>>;

export function checkNames(graph: GraphDeclaration, findings: Findings): void {
  const parties = new Set([...graph.clients.keys(), ...graph.services.keys()]);
  const zone = (name: At<string>): void => checkKnown('unknown-zone', 'zone', name, graph.zones, findings);
  checkIgnored(graph, findings);
  if (graph.defaultZone) zone(graph.defaultZone);
  for (const claim of graph.claims.values()) for (const name of claim.zones ?? []) zone(name);
  for (const client of graph.clients.values()) {
    if (client.zone) zone(client.zone);
    checkCalls(['clients', client.name], client.name, client.calls, graph, findings);
    const tokens = client.calls.filter((call) => call.mode !== 'none');
    const callable = new Set(tokens.flatMap((call) => call.scopes.map((scope) => scope.value)));
    const unknown = client.defaultScopes.filter((scope) => !callable.has(scope.value));
    if (unknown.length > 0 && client.calls.some((call) => hasUnknownScope(call, graph))) {
      findings.leaveOut('unknown-scope');
      continue;
    }
    for (const scope of unknown) {
      findings.add(
        'unknown-scope',
        scope,
        `${client.name} asks by default for ${scope.value}, which is in none of its calls.`,
        () => didYouMean(scope.value, callable) || 'Add the scope to a call, or take it out here.',
        [pointerTo('clients', client.name, 'calls')],
        causeOfParties(
          `by default ${scope.value}`,
          client.name,
          (names) => `${names} ask by default for ${scope.value}, which is in none of their calls.`,
        ),
      );
    }
  }
  for (const service of graph.services.values()) {
    if (service.zone && service.zone.value !== graph.defaultZone?.value) zone(service.zone);
    for (const name of service.acceptsForward)
      checkKnown('unknown-service', 'service', name, graph.services, findings);
    checkClaimUses(service.claims, graph, findings);
    checkCalls(['services', service.name], service.name, service.calls, graph, findings);
    for (const scope of service.scopes.values()) {
      for (const name of scope.callers ?? [])
        checkKnown('unknown-caller', 'client or service', name, parties, findings);
      for (const name of scope.through ?? [])
        checkKnown('unknown-caller', 'client or service', name, parties, findings);
      checkClaimUses(scope.claims, graph, findings);
      const holder = ['services', service.name, 'scopes', scope.name];
      checkCalls(holder, service.name, scope.calls, graph, findings);
    }
  }
}

const EACH = 'Write out each name that is meant.';
const ANYONE = 'Without `callers`, everyone may call who has the call in the graph.';

/** @param what the kind of thing that the name stands for. */
export function checkKnown(
  code: keyof typeof SECTIONS,
  what: string,
  name: At<string>,
  names: { has(n: string): boolean; keys(): Iterable<string> },
  findings: Findings,
): void {
  const { value } = name;
  if (names.has(value) || value === '') return; // an empty one is no name, and reported as such
  const sections = SECTIONS[code];
  const hint = () => {
    if (looksLikePattern(value)) return `${EACH} ${code === 'unknown-caller' ? ANYONE : ''}`.trim();
    const known = sections.map((section) => `\`${section}\``).join(' or ');
    return didYouMean(value, names.keys()) || `Declare it under ${known}.`;
  };
  const basis = sections.map((section) => pointerTo(section, value));
  findings.add(code, name, `There is no ${what} ${value}${orPattern(value)}`, hint, basis);
}

/** Rule 1: what is ignored is dropped from requests, so that a scope of that name would never be granted. */
function checkIgnored(graph: GraphDeclaration, findings: Findings): void {
  const entries = [...graph.clients.values()].flatMap((client) =>
    client.calls.filter((call) => call.mode !== 'none').map((call) => ({ client, call })),
  );
  for (const ignored of graph.issuer?.ignoreScopes ?? []) {
    const asked = entries.find(({ call }) => call.scopes.some((scope) => scope.value === ignored.value));
    if (!asked) continue;
    findings.add(
      'ignored-scope',
      ignored,
      `${asked.client.name} may ask ${asked.call.callee.value} for ${ignored.value}, which is dropped from every request.`,
      'Rename the scope, or take it out here.',
    );
  }
}

function checkClaimUses(uses: readonly ClaimUse[], graph: GraphDeclaration, findings: Findings): void {
  for (const use of uses) {
    if (graph.claims.has(use.name)) continue;
    const hint = () =>
      looksLikePattern(use.name)
        ? EACH
        : didYouMean(use.name, graph.claims.keys()) ||
          'Declare it under `claims`: where it comes from, how large it gets.';
    const at = { ...use, value: use.name };
    const message = `There is no claim ${use.name}${orPattern(use.name)}`;
    findings.add('unknown-claim', at, message, hint, [pointerTo('claims', use.name)]);
  }
}

/** Whether a call names a scope that does not exist: then a finding of another place may only follow from that. */
export function hasUnknownScope(call: CallDeclaration, { services }: GraphDeclaration): boolean {
  const callee = services.get(call.callee.value);
  return callee !== undefined && call.scopes.some(({ value }) => !callee.scopes.has(value));
}

/** @param holder where the client, service or scope that has the calls is declared. */
function checkCalls(
  holder: readonly string[],
  caller: string,
  calls: readonly CallDeclaration[],
  graph: GraphDeclaration,
  findings: Findings,
): void {
  for (const call of calls) {
    const callee = graph.services.get(call.callee.value);
    if (!callee) {
      if (call.mode === 'none' && call.scopes.length === 0) continue; // a queue, a foreign API (rule 4)
      const isClient = graph.clients.has(call.callee.value);
      const message = isClient
        ? `${call.callee.value} is a client; nobody calls it.`
        : `There is no service ${call.callee.value}.`;
      const remedy =
        call.mode === 'none'
          ? 'Declare it under `services`, or take the scopes out: a callee outside the graph has none.'
          : 'Declare it under `services`, or give the call `mode: none` where it is outside the graph.';
      findings.add(
        'unknown-service',
        call.callee,
        message,
        () => didYouMean(call.callee.value, graph.services.keys()) || remedy,
        [pointerTo('services', call.callee.value), pointerTo(...holder, 'calls', call.callee.value)],
      );
      continue;
    }
    if (!call.hasScopes && call.mode !== 'none') {
      findings.add(
        'missing-key',
        call,
        `The call of ${callee.name} names no scopes.`,
        `Scopes of ${callee.name}: ${[...callee.scopes.keys()].join(', ') || 'none yet'}.`,
        [pointerTo(...holder, 'calls', callee.name), pointerTo('services', callee.name, 'scopes')],
      );
    }
    for (const name of call.scopes) {
      const scope = callee.scopes.get(name.value);
      if (!scope) {
        findings.add(
          'unknown-scope',
          name,
          `${callee.name} has no scope ${name.value}${orPattern(name.value)}`,
          () =>
            (looksLikePattern(name.value) ? '' : didYouMean(name.value, callee.scopes.keys())) ||
            `It has: ${[...callee.scopes.keys()].slice(0, 8).join(', ') || 'none'}.`,
          [keysOf(pointerTo('services', callee.name, 'scopes'))],
        );
      } else if (scope.callers && !callersOf(scope.callers).has(caller)) {
        const allowed = fewNames([...callersOf(scope.callers)]) || 'no one';
        const { file } = scope.source;
        const { line } = scope.source.locate(scope.offset);
        findings.add(
          'caller-not-listed',
          name,
          `${caller} may not call ${callee.name}:${scope.name}; its callers are: ${allowed}.`,
          `Ask the owner of ${callee.name} to add ${caller} to \`callers\` (${file}:${line}).`,
          [],
          causeOfParties(
            `${callee.name}:${scope.name}`,
            caller,
            (names) => `${names} may not call ${callee.name}:${scope.name}; its callers are: ${allowed}.`,
            `Ask the owner of ${callee.name} to add them to \`callers\` (${file}:${line}).`,
          ),
        );
      }
    }
  }
}

/** A selector can stand for thousands, and each of their calls is looked up. */
const known = new WeakMap<readonly At<string>[], ReadonlySet<string>>();

function callersOf(callers: readonly At<string>[]): ReadonlySet<string> {
  return getOrAdd(known, callers, () => new Set(callers.map(({ value }) => value)));
}
