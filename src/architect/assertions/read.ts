/**
 * From a file of tests to assertions: every name is one of the graph, and what this version does not implement is refused. In:
 * the tree of a file whose shape is right. Out: assertions; those with a finding are left out.
 */
import {
  Fields,
  Findings,
  checkKnown,
  didYouMean,
  fits,
  mergeCauses,
  readCriteria,
  textOf,
  type At,
  type ClientPlan,
  type Criteria,
  type Finding,
  type MapNode,
  type Node,
  type Place,
  type Plan,
  type ServicePlan,
} from '../../graph/index.ts';
import type { Assertion, ChainRule, Parties, ReadersRule, Target } from './assertion.ts';
import { claimsOf, readRequest } from './read-request.ts';

const FORMS = ['never', 'only', 'reads', 'request'] as const;

/** A test, or what is wrong with it. */
export type ReadTest = { readonly title: string; readonly place: Place } & (
  { readonly assertion: Assertion } | { readonly assertion: undefined; readonly findings: readonly Finding[] }
);

export function readTests(root: MapNode, plan: Plan): ReadTest[] {
  return new Fields(root).list('tests').map((item): ReadTest => {
    const test = new Fields(item);
    const title = test.text('test')?.value ?? '';
    const findings = new Findings();
    const rule = readRule(test, item, plan, findings);
    const wrong = mergeCauses(findings.sorted());
    if (rule === undefined || wrong.length > 0)
      return { title, place: item, assertion: undefined, findings: wrong };
    const { source, offset } = item;
    const mayBeEmpty = test.flag('may_be_empty') ?? false;
    return { title, place: item, assertion: { source, offset, title, mayBeEmpty, rule } };
  });
}

function readRule(test: Fields, place: Place, plan: Plan, findings: Findings): Assertion['rule'] | undefined {
  const [form, ...others] = FORMS.filter((name) => test.has(name));
  if (form === undefined) {
    const hint = `Add one of ${FORMS.map((name) => `\`${name}\``).join(', ')}.`;
    findings.add('missing-key', place, 'This test does not say what must hold.', hint);
    return undefined;
  }
  const [other] = others;
  if (other) {
    const hint = 'Make two tests of it.';
    findings.add('invalid-value', place, `This test has both \`${form}\` and \`${other}\`.`, hint);
    return undefined;
  }
  const isRequest = form === 'request';
  if (isRequest !== test.has('expect')) {
    const message = isRequest
      ? 'This test makes a request and does not say what it gets.'
      : `\`expect\` says what a request gets, and this test has \`${form}\`.`;
    findings.add(
      isRequest ? 'missing-key' : 'unknown-key',
      place,
      message,
      isRequest ? 'Add `expect`.' : 'Take it out.',
    );
    return undefined;
  }
  const rule = test.below(form);
  if (isRequest) return readRequest(rule, test.below('expect'), plan, findings);
  return form === 'reads' ? readReaders(rule, plan, findings) : readChains(form, rule, plan, findings);
}

function readChains(form: ChainRule['form'], rule: Fields, plan: Plan, findings: Findings): ChainRule {
  const to = rule.texts('to').flatMap((name) => readTarget(name, plan, findings) ?? []);
  return { form, from: readParties(rule.list('from'), plan, findings), to };
}

function readReaders(rule: Fields, plan: Plan, findings: Findings): ReadersRule | undefined {
  const claim = rule.text('claim');
  if (!claim) return undefined;
  const claims = claimsOf(plan);
  if (!claims.has(claim.value))
    findings.add(
      'unknown-claim',
      claim,
      `No service and no scope names the claim ${claim.value}.`,
      () => didYouMean(claim.value, claims.keys()) || 'A claim that no token carries has no readers.',
    );
  return { form: 'reads', claim, only: readParties(rule.list('only'), plan, findings) };
}

function readTarget(name: At<string>, plan: Plan, findings: Findings): Target | undefined {
  const at = name.value.indexOf(':');
  const [owner, wanted] = [name.value.slice(0, at), name.value.slice(at + 1)];
  const service = plan.services.get(owner);
  const scope = service?.scopes.get(wanted);
  if (!service) checkKnown('unknown-service', 'service', { ...name, value: owner }, plan.services, findings);
  else if (!scope) {
    const known = [...service.scopes.keys()];
    const hint = () => didYouMean(wanted, known) || `It has: ${known.slice(0, 8).join(', ') || 'none'}.`;
    findings.add('unknown-scope', name, `${owner} has no scope ${wanted}.`, hint);
  }
  const { source, offset } = name;
  return service && scope && { source, offset, service, scope };
}

function readParties(items: readonly Node[], plan: Plan, findings: Findings): Parties {
  const known = new Map<string, ClientPlan | ServicePlan>([...plan.clients, ...plan.services]);
  const names = new Set<string>();
  const empty: Criteria[] = [];
  for (const item of items) {
    const name = textOf(item);
    if (name) {
      checkKnown('unknown-caller', 'client or service', name, known, findings);
      names.add(name.value);
    }
    if (item.kind !== 'map') continue;
    const criteria = readCriteria(item);
    if (criteria.zone) checkKnown('unknown-zone', 'zone', criteria.zone, plan.zones, findings);
    const fitting = [...known.values()].filter((party) => fits(criteria, party, party.zone));
    for (const party of fitting) names.add(party.name);
    if (fitting.length === 0) empty.push(criteria);
  }
  return { names, empty };
}
