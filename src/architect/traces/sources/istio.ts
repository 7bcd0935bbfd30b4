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

/** The group of Istio's own policies; Linkerd and others have a kind of the same name. */
const GROUP = 'security.istio.io';

export const istio: Source = ({ file, observer, later }) => {
  const others = new Map<string, number>();
  const take = (documents: readonly unknown[]): void => {
    const pairs = new Pairs(file);
    for (const document of documents.flatMap(itemsOf)) {
      if (isPolicy(document)) observePolicy(document, { observer, pairs, later });
      else {
        observer.warnings.add('other-document', 1, kindOf(document));
        if (others.size < MAX_KINDS) others.set(kindOf(document), 1);
      }
    }
  };
  const reader = yamlReader(file, take);
  return {
    ...reader,
    holding() {
      const kinds = [...others.keys()].join(', ');
      // Manifests beside the policies are no mistake, so such a file counts as empty.
      return {
        isOfFormat: true,
        says: `it has no AuthorizationPolicy of Istio (${GROUP})${kinds === '' ? '' : `, but ${kinds}`}`,
      };
    },
  };
};

/** Kinds that a message names. */
const MAX_KINDS = 5;

function isPolicy(document: Json): boolean {
  const version = rawText(document, 'apiVersion');
  return (
    rawText(document, 'kind') === 'AuthorizationPolicy' && (version === '' || version.startsWith(`${GROUP}/`))
  );
}

/** `NetworkPolicy of cilium.io`, for messages. */
function kindOf(document: Json): string {
  const kind = nameAt(document, 'kind') || 'a document without a kind';
  const [group = '', version] = nameAt(document, 'apiVersion').split('/');
  return version === undefined ? kind : `${kind} of ${group}`;
}

interface PolicyContext {
  readonly observer: Observer;
  readonly pairs: Pairs;
  readonly later: (observe: () => void) => void;
}

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

function observePolicy(policy: Json, context: PolicyContext): void {
  const { observer } = context;
  observer.read();
  const spec = objectAt(policy, 'spec');
  const action = rawText(spec, 'action') || 'ALLOW';
  if (action === 'DENY') return observer.warnings.add('deny-rule');
  if (action !== 'ALLOW') return observer.warnings.add('other-action');
  const rules = listAt(spec, 'rules');
  if (rules.length === 0) return; // allows nothing
  const namespace = nameAt(objectAt(policy, 'metadata'), 'namespace');
  const callee = workloadOf(spec, namespace, observer);
  for (const rule of rules) observeRule(asObject(rule), callee, namespace, context);
}

/** A policy of this namespace selects workloads of all namespaces. */
const ROOT_NAMESPACE = 'istio-system';

/** @returns the key of the workload. */
function workloadOf(spec: Json | undefined, namespace: string, observer: Observer): string {
  const labels = objectAt(objectAt(spec, 'selector'), 'matchLabels');
  const target = asObject(listAt(spec, 'targetRefs')[0]) ?? objectAt(spec, 'targetRef');
  const label = NAME_LABELS.find((key) => nameAt(labels, key) !== '') ?? Object.keys(labels ?? {})[0];
  const name = (label === undefined ? '' : nameAt(labels, label)) || nameAt(target, 'name');
  if (name !== '') return observer.names.key(name, placed(namespace));
  observer.warnings.add('no-selector');
  return observer.names.key(namespace || 'default', undefined);
}

function placed(namespace: string): string | undefined {
  return namespace === '' || namespace === ROOT_NAMESPACE ? undefined : namespace;
}

function observeRule(
  rule: Json | undefined,
  callee: string,
  namespace: string,
  { observer, pairs, later }: PolicyContext,
): void {
  const { accounts, isOpen, isConditional } = callersOf(rule, namespace, pairs);
  const targets = targetsOf(rule, pairs);
  pairs.add(targets.operations.size, accounts.length);
  if (isConditional || targets.isConditional) observer.warnings.add('condition');
  const operations = [...targets.operations].filter((operation) => !observer.leavesOut(operation));
  if (isOpen && operations.length > 0) observer.warnings.add('pattern-source');
  const callers = new Set(accounts.map(({ name, namespace: place }) => observer.names.key(name, place)));
  for (const { name, namespace: place } of accounts)
    if (name === 'default') observer.warnings.add('default-account', 1, place);
  later(() => {
    const { names } = observer;
    const service = names.nameOf(callee);
    for (const operation of operations) {
      if (isOpen) observer.run({ service, operation }, 1, 'requested');
      for (const caller of callers) {
        observer.run({ service, operation });
        observer.call(
          { service: names.nameOf(caller), operation: '' },
          { service, operation, kind: 'request' },
        );
      }
    }
    if (!targets.isTcp) return;
    for (const caller of callers)
      observer.call(
        { service: names.nameOf(caller), operation: '' },
        { service, operation: '', kind: 'tcp' },
      );
  });
}

/** A service account; without a namespace if the policy does not say which. */
interface Account {
  readonly name: string;
  readonly namespace: string | undefined;
}

interface Callers {
  readonly accounts: readonly Account[];
  /** Whether callers that are not named may call. */
  readonly isOpen: boolean;
  readonly isConditional: boolean;
}

function callersOf(rule: Json | undefined, namespace: string, pairs: Pairs): Callers {
  const accounts: Account[] = [];
  const sources = listAt(rule, 'from').map((from) => objectAt(asObject(from), 'source'));
  let isOpen = sources.length === 0;
  let isConditional = listAt(rule, 'when').length > 0;
  for (const source of sources) {
    const named = [
      ...texts(source, 'principals', pairs).map(accountOfPrincipal),
      ...texts(source, 'serviceAccounts', pairs).map((text) => accountIn(namespace, text)),
    ];
    if (named.length === 0) isOpen = true;
    for (const account of named)
      if (account) accounts.push(account);
      else isOpen = true;
    const others = Object.keys(source ?? {}).filter(
      (key) => key !== 'principals' && key !== 'serviceAccounts',
    );
    if (others.length > 0) isConditional = true;
  }
  return { accounts, isOpen, isConditional };
}

/**
 * `cluster.local/ns/shop/sa/frontend`. A star for the trust domain, or for the namespace too, leaves the account named;
 * any other star stands for accounts that are not named.
 */
function accountOfPrincipal(principal: string): Account | undefined {
  const [, namespace, account] = /^\*?[^*]*\/ns\/([^/*]+)\/sa\/([^/*]+)$/.exec(principal) ?? [];
  if (namespace !== undefined && account !== undefined) return { name: account, namespace };
  const [, anywhere] = /^\*\/sa\/([^/*]+)$/.exec(principal) ?? [];
  if (anywhere !== undefined) return { name: anywhere, namespace: undefined };
  return principal.includes('*') ? undefined : { name: principal, namespace: undefined };
}

/** `shop/frontend`, or `frontend` for the namespace of the policy. */
function accountIn(namespace: string, text: string): Account | undefined {
  if (text.includes('*')) return undefined;
  const [, place, name] = /^([^/]+)\/([^/]+)$/.exec(text) ?? [];
  return name === undefined ? { name: text, namespace: namespace || undefined } : { name, namespace: place };
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
  return value.flatMap((one) => {
    const text = typeof one === 'string' ? bounded(one) : '';
    return text === '' ? [] : [text];
  });
}
