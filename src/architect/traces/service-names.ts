/**
 * The names of services in the sources. A name is unique within its namespace only. Where services in several namespaces
 * share a name, each is called `name.namespace`. That is only known after all files are read; until then a service has
 * a key of name and namespace.
 */
import { WaybillError } from '../../errors.ts';
import { getOrAdd } from '../../get-or-add.ts';
import type { ImportWarnings } from './import-warnings.ts';
import { MAX_SERVICES } from './limits.ts';

/** Between name and namespace. Names have no control characters. */
const SEPARATOR = '\t';

/** What SDKs and collectors write where a program has no `service.name`: several programs may have it. */
const UNKNOWN_SERVICE = /^(?:unknown_service(?::.*)?|OTLPResourceNoServiceName|unknown)$/;

/** The key of a service before the names of all files are known. */
export function serviceKey(name: string, namespace = ''): string {
  return namespace === '' ? name : `${name}${SEPARATOR}${namespace}`;
}

/** A name as its source has it. */
export interface SourceName {
  readonly name: string;
  /** Empty if the source names none. */
  readonly namespace: string;
}

interface Known {
  /** Without the empty one. */
  readonly namespaces: Set<string>;
  /** Whether the name also occurs without a namespace, in a source that has them. */
  isBare: boolean;
  /** Whether the name also occurs in a source that cannot name a namespace. */
  isUnplaced: boolean;
}

export class ServiceNames {
  readonly #known = new Map<string, Known>();
  readonly #renames: ReadonlyMap<string, string>;
  readonly #unusedRenames: Set<string>;
  #count = 0;
  #byKey: Map<string, string> | undefined;
  #sourceNames = new Map<string, SourceName>();

  /** @param renames name in the source → name to use. */
  constructor(renames: ReadonlyMap<string, string> = new Map()) {
    this.#renames = renames;
    this.#unusedRenames = new Set(renames.keys());
  }

  /**
   * @param namespace undefined if the source cannot name one, empty if it names none here.
   * @returns the key of the service; empty if it has no name.
   * @throws WaybillError `source_too_large` if the files name too many services.
   */
  key(name: string, namespace: string | undefined): string {
    if (name === '') return '';
    const known = getOrAdd(this.#known, name, () => {
      this.#countOne();
      return { namespaces: new Set<string>(), isBare: false, isUnplaced: false };
    });
    if (namespace === undefined) known.isUnplaced = true;
    else if (namespace === '') known.isBare = true;
    else if (!known.namespaces.has(namespace)) {
      if (known.namespaces.size > 0) this.#countOne();
      known.namespaces.add(namespace);
    }
    return serviceKey(name, namespace);
  }

  /** The name of a service, by its key. Call it when all files are read: a later one may give a second namespace. */
  nameOf(key: string): string {
    this.#byKey ??= this.#resolve();
    return this.#byKey.get(key) ?? key;
  }

  /** The service of this name in exactly this namespace, if the files have it. */
  find(name: string, namespace: string): string | undefined {
    return this.#known.get(name)?.namespaces.has(namespace)
      ? this.nameOf(serviceKey(name, namespace))
      : undefined;
  }

  #isAmbiguous(name: string): boolean {
    return (this.#known.get(name)?.namespaces.size ?? 0) > 1;
  }

  /** Whether the name is one of other namespaces only, or of several, so that no single service is meant. */
  isElsewhere(name: string, namespace: string | undefined): boolean {
    const { namespaces } = this.#known.get(name) ?? { namespaces: new Set() };
    return (
      namespaces.size > 1 || (namespaces.size === 1 && namespace !== undefined && !namespaces.has(namespace))
    );
  }

  /** The name to use for one that has no namespace: of a store, a host, a row. */
  renamed(name: string): string {
    this.#unusedRenames.delete(name);
    return this.#renames.get(name) ?? name;
  }

  /** By the names that `nameOf` returns. */
  get sourceNames(): ReadonlyMap<string, SourceName> {
    this.#byKey ??= this.#resolve();
    return this.#sourceNames;
  }

  /** Names to rename that no file has. */
  get unusedRenames(): readonly string[] {
    return [...this.#unusedRenames];
  }

  warn(warnings: ImportWarnings): void {
    for (const [name, { namespaces, isBare, isUnplaced }] of this.#known) {
      if (UNKNOWN_SERVICE.test(name)) warnings.add('unknown-service', 1, name);
      const isUnclear = namespaces.size > 1 ? isBare || isUnplaced : namespaces.size === 1 && isBare;
      if (isUnclear) warnings.add('partial-namespace', 1, name);
    }
  }

  #countOne(): void {
    if (++this.#count > MAX_SERVICES) throw tooManyServices();
  }

  /** A name keeps its plain form unless two namespaces have it. In any order of the files the result is the same. */
  #resolve(): Map<string, string> {
    const byKey = new Map<string, string>();
    const taken = new Set<string>();
    const give = (key: string, shown: string, source: SourceName): void => {
      taken.add(shown);
      const name = this.renamed(shown);
      byKey.set(key, name);
      if (name === shown) this.#sourceNames.set(name, source);
    };
    const names = [...this.#known.keys()].sort();
    for (const name of names) {
      const { namespaces, isBare, isUnplaced } = this.#known.get(name)!;
      if (namespaces.size > 1 && !isBare && !isUnplaced) continue;
      const [only = ''] = namespaces.size === 1 ? namespaces : [];
      for (const key of new Set([name, serviceKey(name, only)])) give(key, name, { name, namespace: only });
    }
    for (const name of names.filter((one) => this.#isAmbiguous(one))) {
      for (const namespace of [...this.#known.get(name)!.namespaces].sort()) {
        let shown = `${name}.${namespace}`;
        for (let number = 2; taken.has(shown); number++) shown = `${name}.${namespace}-${number}`;
        give(serviceKey(name, namespace), shown, { name, namespace });
      }
    }
    return byKey;
  }
}

export function tooManyServices(): WaybillError {
  return new WaybillError(
    'source_too_large',
    `The files name more than ${MAX_SERVICES.toLocaleString('en')} services. Check whether instance names are recorded as service names.`,
  );
}
