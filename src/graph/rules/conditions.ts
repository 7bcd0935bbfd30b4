/** Conditions (`when`, `conditions`): that they can be read, and that what they ask for is there. */
import type {
  At,
  CallDeclaration,
  ConditionDeclaration,
  GraphDeclaration,
  ScopeDeclaration,
  ServiceDeclaration,
} from '../declare/declaration.ts';
import { isOfType } from '../compile/claim-values.ts';
import type { Conjunct } from '../compile/plan.ts';
import { conditionsOf, type Conditions } from '../conditions/compile.ts';
import { eachPart, factsOf, type Fact } from '../conditions/expression.ts';
import { levelsIn } from '../conditions/levels.ts';
import { factNamed } from '../conditions/mapping.ts';
import type { Fault } from '../conditions/parse.ts';
import { UNKNOWN, outcomesOf } from '../conditions/possibility.ts';
import { isFreeName } from '../conditions/vocabulary.ts';
import { causeOfParties } from '../causes.ts';
import type { Findings, Place } from '../finding.ts';
import { pointerTo } from '../misread.ts';
import { didYouMean } from '../names.ts';
import { hasUnknownScope } from './names.ts';

/** Who has a call. */
interface Caller {
  readonly name: string;
  /** Where its declaration is. */
  readonly pointer: string;
  /** A client that cannot ask for a user. */
  readonly isAlone: boolean;
}

export function checkConditions(graph: GraphDeclaration, findings: Findings): void {
  const conditions = conditionsOf(graph);
  for (const { name, condition, ...at } of graph.conditions.values()) {
    if (!isFreeName(name))
      findings.add(
        'invalid-value',
        at,
        `${name} cannot be the name of a condition.`,
        'It has letters, digits and underscores, does not begin with a digit, and is no fact and no word of CEL.',
      );
    checkCondition(condition, graph, conditions, findings);
    reportFault(conditions.faultOfNamed(condition), condition, findings);
  }
  for (const { name, calls, grants } of graph.clients.values()) {
    const isAlone = grants.every((grant) => grant === 'client_credentials');
    for (const call of calls) checkCall({ name, pointer: 'clients', isAlone }, call, graph, findings);
  }
  for (const service of graph.services.values()) {
    const caller = { name: service.name, pointer: 'services', isAlone: false };
    for (const call of service.calls) checkCall(caller, call, graph, findings);
    for (const scope of service.scopes.values()) {
      for (const call of scope.calls) checkCall(caller, call, graph, findings);
      if (!scope.when) continue;
      checkGuard(scope.when, graph, findings);
      checkCarried(scope.when, service, scope, graph, findings);
    }
  }
}

function checkCall(caller: Caller, call: CallDeclaration, graph: GraphDeclaration, findings: Findings): void {
  const service = graph.services.get(call.callee.value);
  for (const { scope, condition } of call.when) {
    if (call.mode === 'none' || call.mode === 'forward')
      findings.add(
        'invalid-value',
        condition,
        `The call of ${call.callee.value} has \`mode: ${call.mode}\` and a condition.`,
        call.mode === 'none'
          ? 'Take `when` out: nothing is issued for this call.'
          : 'Give the condition to the scope (`when` of the scope), or give the callee a token of its own.',
      );
    const isNamed = scope === undefined || call.scopes.some(({ value }) => value === scope.value);
    if (!isNamed && hasUnknownScope(call, graph)) findings.leaveOut('unknown-scope');
    else if (!isNamed) reportUnknownScope(caller, call, scope, findings);
    checkGuard(condition, graph, findings);
    if (caller.isAlone && scope) checkAlone(caller, scope, condition, graph, findings);
    for (const each of scope ? [scope] : call.scopes) {
      const callee = service?.scopes.get(each.value);
      if (service && callee) checkCarried(condition, service, callee, graph, findings);
    }
  }
}

function reportUnknownScope(
  { name, pointer }: Caller,
  call: CallDeclaration,
  scope: At<string>,
  findings: Findings,
): void {
  const scopes = call.scopes.map(({ value }) => value);
  findings.add(
    'unknown-scope',
    scope,
    `${name}'s call of ${call.callee.value} does not name ${scope.value}.`,
    () => didYouMean(scope.value, scopes) || `It names: ${scopes.slice(0, 8).join(', ') || 'none'}.`,
    [pointerTo(pointer, name, 'calls', call.callee.value)],
    causeOfParties(
      `${call.callee.value}:${scope.value}`,
      name,
      (names) => `The calls of ${call.callee.value} by ${names} do not name ${scope.value}.`,
    ),
  );
}

function checkGuard(condition: ConditionDeclaration, graph: GraphDeclaration, findings: Findings): void {
  const conditions = conditionsOf(graph);
  checkCondition(condition, graph, conditions, findings);
  reportFault(conditions.faultOf(condition), condition, findings);
}

function reportFault(fault: Fault | undefined, at: ConditionDeclaration, findings: Findings): void {
  if (fault?.code) findings.add(fault.code, at, fault.message, fault.hint, ['/claims', '/conditions']);
}

function checkCondition(
  condition: ConditionDeclaration,
  graph: GraphDeclaration,
  conditions: Conditions,
  findings: Findings,
): void {
  for (const { fact, values } of condition.facts) checkFact(fact, values, graph, findings);
  const { conjuncts = [] } = conditions.compile(condition) ?? {};
  for (const conjunct of conjuncts) {
    checkConstant(conjunct, condition, findings);
    checkLevels(conjunct, condition, graph, findings);
  }
}

function checkFact(
  fact: At<string>,
  values: readonly unknown[],
  graph: GraphDeclaration,
  findings: Findings,
): void {
  const read = factNamed(fact.value, graph);
  if (!read) {
    const from = graph.claims.get(fact.value)?.from;
    const whose =
      from === 'client'
        ? 'the client gives it'
        : from === 'request'
          ? 'the request gives it'
          : 'its value is fixed';
    findings.add(
      'condition-claim',
      fact,
      `${fact.value} is no claim of a subject: ${whose}.`,
      from === undefined
        ? 'Name a claim of the provider, or one that is `from: subject`.'
        : `Name a claim of the provider, or write ${from}.${fact.value}.`,
      [pointerTo('claims', fact.value)],
    );
    return;
  }
  if (read.source === 'acr') return; // without levels it has whatever the provider writes
  const type = read.type === 'strings' ? 'string' : read.type;
  const other = values.find((value) => !isOfType(value, type));
  if (other === undefined) return;
  findings.add(
    'condition-type',
    fact,
    `${fact.value} is never ${JSON.stringify(other)}: its type is ${read.type}.`,
    'Correct the value, or the `type` of the claim.',
    [pointerTo('claims')],
  );
}

function checkConstant({ expression }: Conjunct, at: Place, findings: Findings): void {
  const outcomes = outcomesOf(expression, () => UNKNOWN);
  if (outcomes.has(true) && outcomes.size > 1) return;
  findings.add(
    'condition-constant',
    at,
    outcomes.has(true)
      ? 'A part of this condition always holds, whatever the request is.'
      : 'A part of this condition never holds, whatever the request is.',
    'Take it out, or compare with a fact.',
  );
}

/** Levels count only as some provider maps them. A single provider without `acr` means the values themselves. */
function checkLevels({ expression }: Conjunct, at: Place, graph: GraphDeclaration, findings: Findings): void {
  const levels = levelsIn(expression);
  if (levels.length === 0) return;
  const providers = [...graph.subjects.values()];
  if (providers.length <= 1 && !providers[0]?.acr) return;
  const known = new Set(providers.flatMap(({ acr }) => [...(acr?.keys() ?? [])]));
  for (const level of levels) {
    if (known.has(level)) continue;
    findings.add(
      'unknown-level',
      at,
      `No provider says which logins have the level ${level}.`,
      didYouMean(level, known) ||
        `Add it to a provider: acr: { ${level}: [the values of acr that mean it] }.`,
      [...graph.subjects.keys()].map((name) => pointerTo('subjects', name)),
    );
  }
}

/** A client that asks for itself alone has no user to whom a mapping of claims could apply. */
function checkAlone(
  { name }: Caller,
  scope: At<string>,
  condition: ConditionDeclaration,
  graph: GraphDeclaration,
  findings: Findings,
): void {
  for (const { fact } of condition.facts) {
    const source = factNamed(fact.value, graph)?.source;
    if (source === 'client' || source === 'request') continue;
    findings.add(
      'subjects-and-grants',
      scope,
      `${name} asks for itself alone, and ${scope.value} is for subjects whose ${fact.value} allows it.`,
      'Add `grants: [token_exchange]` and `subjects`.',
      [pointerTo('clients', name)],
      causeOfParties(
        `${scope.value} ${fact.value}`,
        name,
        (names) =>
          `${names} ask for themselves alone, and ${scope.value} is for subjects whose ${fact.value} allows it.`,
      ),
    );
  }
}

/** The callee could not hold the client to a word that it does not see. */
function checkCarried(
  condition: ConditionDeclaration,
  service: ServiceDeclaration,
  scope: ScopeDeclaration,
  graph: GraphDeclaration,
  findings: Findings,
): void {
  const { conjuncts = [] } = conditionsOf(graph).compile(condition) ?? {};
  const carried = new Set([...service.claims, ...scope.claims].map(({ name }) => name));
  const read = conjuncts.flatMap(({ expression }) => factsOf(expression)).filter(isOfRequest);
  for (const name of new Set(read.map((fact) => fact.name))) {
    if (carried.has(name)) continue;
    findings.add(
      'condition-not-carried',
      condition,
      `The condition on ${service.name}:${scope.name} reads request.${name}, and its token does not carry the claim ${name}.`,
      `Add ${name} to \`claims\` of ${service.name}:${scope.name}, and let ${service.name} compare it with what is done.`,
      [pointerTo('services', service.name)],
    );
  }
}

function isOfRequest(fact: Fact): fact is Extract<Fact, { readonly name: string }> {
  return fact.source === 'request';
}

/** The names of all claims that some condition reads. */
export function claimsInConditions(graph: GraphDeclaration): ReadonlySet<string> {
  const conditions = conditionsOf(graph);
  const names = new Set<string>();
  for (const declared of declaredConditions(graph)) {
    for (const { expression } of conditions.compile(declared)?.conjuncts ?? []) {
      for (const part of eachPart(expression))
        if ((part.op === 'fact' || part.op === 'has') && 'name' in part.fact) names.add(part.fact.name);
    }
    for (const { fact } of declared.facts) names.add(fact.value);
  }
  return names;
}

export function declaredConditions({
  clients,
  services,
  conditions,
}: GraphDeclaration): ConditionDeclaration[] {
  const ofServices = [...services.values()];
  const scopes = ofServices.flatMap((service) => [...service.scopes.values()]);
  const calls = [...clients.values(), ...ofServices, ...scopes].flatMap((party) => party.calls);
  return [
    ...calls.flatMap(({ when }) => when.map(({ condition }) => condition)),
    ...scopes.flatMap(({ when }) => when ?? []),
    ...Array.from(conditions.values(), ({ condition }) => condition),
  ];
}
