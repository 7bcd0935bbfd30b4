/**
 * Istio's AuthorizationPolicies: what the mesh allows, which is not what happens. Principals are callers; `to` lists
 * operations of the workload that the policy selects.
 */
import { WaybillError } from '../../../errors.ts';
import { MAX_PAIRS } from '../limits.ts';
import type { Observer } from '../observation.ts';
import { bounded } from '../spans/operation.ts';
import type { Source } from './source.ts';
import { asObject, listAt, nameAt, objectAt, rawText, type Json } from './values.ts';
import { yamlReader } from './yaml-reader.ts';

/** Labels that name a workload, the best first. */
const NAME_LABELS = ['app', 'app.kubernetes.io/name', 'service.istio.io/canonical-name', 'name'];

export const istio: Source = ({ file, observer }) =>
  yamlReader(file, (documents) => {
    const pairs = new Pairs(file);
    for (const document of documents.flatMap(itemsOf)) {
      if (rawText(document, 'kind') === 'AuthorizationPolicy') observePolicy(document, observer, pairs);
      else observer.warnings.add('other-document');
    }
  });

/** Counts the combinations in a file, because aliases can repeat a list without limit. */
class Pairs {
  readonly #file: string;
  #count = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** @throws WaybillError `source_too_large` beyond the limit. */
  add(...lengths: readonly number[]): void {
    this.#count += lengths.reduce((product, length) => product * Math.max(1, length), 1);
    if (this.#count <= MAX_PAIRS) return;
    throw new WaybillError(
      'source_too_large',
      `${this.#file}: the rules combine more than ${MAX_PAIRS.toLocaleString('en')} callers, methods and paths.`,
    );
  }
}

/** `kubectl get -o yaml` wraps its results in a List. */
function itemsOf(document: unknown): readonly Json[] {
  const object = asObject(document);
  if (!object) return [];
  const items = /List$/.test(rawText(object, 'kind')) ? listAt(object, 'items') : [object];
  return items.map(asObject).filter((item) => item !== undefined);
}

function observePolicy(policy: Json, observer: Observer, pairs: Pairs): void {
  observer.read();
  const spec = objectAt(policy, 'spec');
  const action = rawText(spec, 'action') || 'ALLOW';
  if (action === 'DENY') return observer.warnings.add('deny-rule');
  if (action !== 'ALLOW') return observer.warnings.add('other-action');
  const rules = listAt(spec, 'rules');
  if (rules.length === 0) return; // allows nothing
  const callee = workloadOf(policy, spec, observer);
  for (const rule of rules) observeRule(asObject(rule), callee, observer, pairs);
}

function workloadOf(policy: Json, spec: Json | undefined, observer: Observer): string {
  const labels = objectAt(objectAt(spec, 'selector'), 'matchLabels');
  const target = asObject(listAt(spec, 'targetRefs')[0]) ?? objectAt(spec, 'targetRef');
  const label = NAME_LABELS.find((key) => nameAt(labels, key) !== '') ?? Object.keys(labels ?? {})[0];
  const name = (label === undefined ? '' : nameAt(labels, label)) || nameAt(target, 'name');
  if (name !== '') return name;
  observer.warnings.add('no-selector');
  return nameAt(objectAt(policy, 'metadata'), 'namespace') || 'default';
}

function observeRule(rule: Json | undefined, callee: string, observer: Observer, pairs: Pairs): void {
  const { principals, isOpen, isConditional } = callersOf(rule, pairs);
  const targets = targetsOf(rule, pairs);
  pairs.add(targets.operations.size, principals.size);
  if (isConditional || targets.isConditional) observer.warnings.add('condition');
  if (isOpen) observer.warnings.add('pattern-source');
  for (const operation of targets.operations) {
    if (isOpen) observer.run({ service: callee, operation }, 1, 'requested');
    for (const principal of principals) {
      observer.run({ service: callee, operation });
      observer.call({ service: principal, operation: '' }, { service: callee, operation, kind: 'request' });
    }
  }
  if (!targets.isTcp) return;
  for (const principal of principals)
    observer.call({ service: principal, operation: '' }, { service: callee, operation: '', kind: 'tcp' });
}

interface Callers {
  readonly principals: ReadonlySet<string>;
  /** Whether callers that are not named may call. */
  readonly isOpen: boolean;
  readonly isConditional: boolean;
}

function callersOf(rule: Json | undefined, pairs: Pairs): Callers {
  const principals = new Set<string>();
  const sources = listAt(rule, 'from').map((from) => objectAt(asObject(from), 'source'));
  let isOpen = sources.length === 0;
  let isConditional = listAt(rule, 'when').length > 0;
  for (const source of sources) {
    const named = [...texts(source, 'principals', pairs), ...texts(source, 'serviceAccounts', pairs)];
    if (named.length === 0 || named.some((name) => name.includes('*'))) isOpen = true;
    for (const name of named) if (!name.includes('*')) principals.add(accountOf(name));
    const others = Object.keys(source ?? {}).filter(
      (key) => key !== 'principals' && key !== 'serviceAccounts',
    );
    if (others.length > 0) isConditional = true;
  }
  return { principals, isOpen, isConditional };
}

/** `cluster.local/ns/shop/sa/frontend` and `shop/frontend` both name the service account `frontend`. */
function accountOf(principal: string): string {
  return /\/sa\/([^/]+)$/.exec(principal)?.[1] ?? /^[^/]+\/([^/]+)$/.exec(principal)?.[1] ?? principal;
}

interface Targets {
  /** '' for every operation. */
  readonly operations: ReadonlySet<string>;
  /** Whether ports are given without paths or methods. */
  readonly isTcp: boolean;
  readonly isConditional: boolean;
}

function targetsOf(rule: Json | undefined, pairs: Pairs): Targets {
  const operations = new Set<string>();
  const to = listAt(rule, 'to').map((one) => objectAt(asObject(one), 'operation'));
  if (to.length === 0) operations.add('');
  let [isTcp, isConditional] = [false, false];
  for (const operation of to) {
    const [paths, methods] = [texts(operation, 'paths', pairs), texts(operation, 'methods', pairs)];
    pairs.add(paths.length, methods.length);
    const keys = Object.keys(operation ?? {});
    if (keys.some((key) => !['paths', 'methods', 'ports'].includes(key))) isConditional = true;
    if (paths.length > 0 || methods.length > 0) {
      for (const path of paths.length > 0 ? paths : ['/*'])
        for (const method of methods.length > 0 ? methods : ['']) operations.add(operationOf(method, path));
    } else if (keys.includes('ports')) isTcp = true;
    else operations.add('');
  }
  return { operations, isTcp, isConditional };
}

const RPC_PATH = /^\/[\w.]+\.[A-Za-z_]\w*\/[A-Za-z_]\w*$/;

/** gRPC always uses POST, so the method says nothing. */
function operationOf(method: string, path: string): string {
  const isAny = method === '' || method === '*';
  const whole = path === '*' ? '/*' : path;
  return isAny || (method === 'POST' && RPC_PATH.test(path)) ? whole : `${method} ${whole}`;
}

function texts(object: Json | undefined, key: string, pairs: Pairs): readonly string[] {
  const value = listAt(object, key);
  pairs.add(value.length);
  return value.flatMap((one) => (typeof one === 'string' && one !== '' ? [bounded(one)] : []));
}
