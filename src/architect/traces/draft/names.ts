/** Turns arbitrary names of a source into names of the graph language. */
import { createHash } from 'node:crypto';
import { bounded } from '../spans/operation.ts';

const MAX_PART = 64;
/** Characters of a name of the graph language. */
const MAX_LEGAL = 128;
const HASH = 8;

/**
 * The nearest legal name of the graph language (`^[A-Za-z0-9][A-Za-z0-9._-]*$`). A longer name ends with its hash,
 * because others may begin with the same characters.
 */
export function legalName(text: string, fallback: string): string {
  const trimmed = text
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|(?<=[A-Za-z0-9])[^A-Za-z0-9]+$/g, '');
  if (trimmed === '') return fallback;
  // The graph language ignores keys that begin with `x-`.
  const legal = trimmed.startsWith('x-') ? `service-${trimmed}` : trimmed;
  if (legal.length <= MAX_LEGAL) return legal;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, HASH);
  return withSuffix(legal, `-${hash}`);
}

/** Appends to a name, which is cut if it becomes too long. `x` with `-jobs` would be ignored, as all keys with `x-`. */
export function withSuffix(name: string, suffix: string): string {
  const suffixed = `${name.slice(0, MAX_LEGAL - suffix.length)}${suffix}`;
  return suffixed.startsWith('x-') ? `service-${suffixed}` : suffixed;
}

/** Gives each text a name of its own. */
export class Names {
  readonly #byText = new Map<string, string>();
  readonly #taken: Set<string>;
  /** The next free number of a taken name: ten thousand texts may map to one name. */
  readonly #numbers = new Map<string, number>();

  constructor(taken: Iterable<string> = []) {
    this.#taken = new Set(taken);
  }

  /** @param candidates the best first; if all are taken, the first gets a number. */
  give(text: string, candidates: readonly string[]): string {
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    let name = candidates.find((candidate) => !this.#taken.has(candidate));
    name ??= this.#numbered(candidates[0] ?? 'name');
    this.#taken.add(name);
    this.#byText.set(text, name);
    return name;
  }

  #numbered(name: string): string {
    for (let number = this.#numbers.get(name) ?? 2; ; number++) {
      const numbered = withSuffix(name, `-${number}`);
      if (this.#taken.has(numbered)) continue;
      this.#numbers.set(name, number + 1);
      return numbered;
    }
  }
}

const ROUTE = /^(?:(\S+) )?(\/\S*)$/;
const RPC = /^\/?([\w.]+)\/([A-Za-z_]\w*)$/;
const VERBS: Readonly<Record<string, string>> = {
  GET: 'read',
  HEAD: 'read',
  OPTIONS: 'read',
  POST: 'create',
  PUT: 'update',
  PATCH: 'update',
  DELETE: 'delete',
};
const NOT_A_RESOURCE = /^(api|rest|v\d+|\*+)$/i;

/** Scope names for an operation, the shortest first: `GET /shop/cart/{id}` gives `cart:read`, `shop.cart:read`, … */
export function scopeCandidates(operation: string): readonly string[] {
  const rpc = RPC.exec(operation);
  if (rpc && (operation.includes('.') || /^[A-Z]/.test(rpc[1]!))) {
    const service = rpc[1]!
      .split('.')
      .at(-1)!
      .replace(/Service$/, '');
    return [kebab(rpc[2]!), `${kebab(service)}:${kebab(rpc[2]!)}`];
  }
  const route = ROUTE.exec(operation);
  if (!route) return [kebab(operation)];
  const method = route[1]?.toUpperCase();
  const verb =
    method === undefined ? 'call' : (Object.hasOwn(VERBS, method) && VERBS[method]) || kebab(method);
  const segments = route[2]!.split('/').filter((segment) => segment !== '');
  const things = segments.filter((segment) => !/^[{:]/.test(segment) && !NOT_A_RESOURCE.test(segment));
  const paths = [things.slice(-1), things, segments.filter((segment) => !/^\*+$/.test(segment))];
  const whole = segments.length > 0 && segments.every((segment) => /^\*+$/.test(segment)) ? 'any' : 'root';
  return [...new Set(paths.map((path) => `${path.map(kebab).join('.') || whole}:${verb}`.slice(0, 120)))];
}

function kebab(text: string): string {
  const words = bounded(text)
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .replace(/^x-/, 'ex-')
    .slice(0, MAX_PART);
  return words === '' ? 'operation' : words;
}
