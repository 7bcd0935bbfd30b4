/** Conditions of a graph, compiled: each with the parts that must all hold, and an id for each part. */
import { createHash } from 'node:crypto';
import { getOrAdd } from '../../get-or-add.ts';
import type { ConditionDeclaration, GraphDeclaration } from '../declare/declaration.ts';
import type { ConditionPlan, Conjunct } from '../compile/plan.ts';
import { conjunctsOf, type ClaimFactSource, type Expression, type Literal } from './expression.ts';
import { factNamed, oneOfValues } from './mapping.ts';
import { ConditionParser, type Fault } from './parse.ts';
import { claimFact, isFreeName } from './vocabulary.ts';

/** @returns the conditions of a declaration, each compiled once. */
export function conditionsOf(graph: GraphDeclaration): Conditions {
  return getOrAdd(known, graph, () => new Conditions(graph));
}

const known = new WeakMap<GraphDeclaration, Conditions>();

export class Conditions {
  readonly #graph: GraphDeclaration;
  #ofGuards: ConditionParser | undefined;
  #ofNamed: ConditionParser | undefined;
  readonly #texts = new Map<string, Expression | Fault>();
  readonly #plans = new Map<ConditionDeclaration, ConditionPlan>();
  /** Equal parts are one object, whatever number of calls has them. */
  readonly #conjuncts = new Map<string, Conjunct>();

  constructor(graph: GraphDeclaration) {
    this.#graph = graph;
  }

  /** @returns what is wrong with it; nothing where it can be used. */
  faultOf({ text }: ConditionDeclaration): Fault | undefined {
    const parsed = text === undefined ? undefined : this.#parse(text);
    return parsed && isFault(parsed) ? parsed : undefined;
  }

  /** What is wrong with a condition under `conditions`, which reads facts alone. */
  faultOfNamed({ text }: ConditionDeclaration): Fault | undefined {
    const parsed = text === undefined ? undefined : this.#named.parse(text);
    return parsed && isFault(parsed) ? parsed : undefined;
  }

  /** @returns nothing where it has a fault. */
  compile(declared: ConditionDeclaration): ConditionPlan | undefined {
    const compiled = this.#plans.get(declared);
    if (compiled) return compiled;
    const parts = this.#partsOf(declared)?.map((part) => this.#conjunct(part));
    if (!parts) return undefined;
    const plan: ConditionPlan = {
      text: declared.text,
      facts: declared.facts.flatMap(({ fact, values }, at) => {
        const { id } = parts[at] ?? {};
        return id === undefined ? [] : [{ path: pathOf(fact.value, this.#graph), values, id }];
      }),
      conjuncts: [...new Set(parts)],
      at: { source: declared.source, offset: declared.offset },
    };
    this.#plans.set(declared, plan);
    return plan;
  }

  #partsOf({ text, facts }: ConditionDeclaration): readonly Expression[] | undefined {
    if (text === undefined) {
      const read = facts.map(({ fact }) => factNamed(fact.value, this.#graph));
      if (read.includes(undefined)) return undefined;
      return read.flatMap((fact, at) =>
        fact ? [oneOfValues(fact, (facts[at]?.values ?? []).filter(isLiteral))] : [],
      );
    }
    const parsed = this.#parse(text);
    return isFault(parsed) ? undefined : conjunctsOf(parsed);
  }

  #parse(text: string): Expression | Fault {
    return getOrAdd(this.#texts, text, () => this.#guards.parse(text));
  }

  /** Of what stands in a `when`. Made with the first: most graphs have none. */
  get #guards(): ConditionParser {
    return (this.#ofGuards ??= new ConditionParser({ claims: this.#claims, named: this.#expressions() }));
  }

  /** Of what stands under `conditions`. */
  get #named(): ConditionParser {
    const names = new Set(this.#graph.conditions.keys());
    return (this.#ofNamed ??= new ConditionParser({ claims: this.#claims, named: new Map(), closed: names }));
  }

  readonly #claims = (source: ClaimFactSource) =>
    new Map(
      [...this.#graph.claims.keys()].flatMap((name) => {
        const fact = claimFact(this.#graph, source, name);
        return fact ? [[name, fact] as const] : [];
      }),
    );

  #expressions(): ReadonlyMap<string, Expression | undefined> {
    const named = [...this.#graph.conditions].filter(([name]) => isFreeName(name));
    return new Map(named.map(([name, { condition }]) => [name, this.#expressionOf(condition)]));
  }

  #expressionOf(condition: ConditionDeclaration): Expression | undefined {
    const parts =
      condition.text === undefined ? this.#partsOf(condition) : [this.#named.parse(condition.text)];
    const sound = parts?.flatMap((part) => (isFault(part) ? [] : [part])) ?? [];
    if (sound.length === 0 || sound.length < (parts?.length ?? 0)) return undefined;
    return sound.reduce((left, right) => ({ op: '&&', left, right }));
  }

  #conjunct(expression: Expression): Conjunct {
    const id = idOf(expression);
    return getOrAdd(this.#conjuncts, id, () => ({ id, expression }));
  }
}

/** Six bytes: eight characters in a token. Whoever writes two conditions of one id writes both himself. */
const ID_BYTES = 6;

/** The same for every spelling of one expression, and for no other: the claims that it reads are part of it. */
function idOf(expression: Expression): string {
  const hash = createHash('sha256').update(JSON.stringify(expression)).digest();
  return hash.toString('base64url', 0, ID_BYTES);
}

/** As people know it: where the subject's token has the value. */
function pathOf(name: string, graph: GraphDeclaration): string {
  const fact = factNamed(name, graph);
  return fact && 'path' in fact && fact.source === 'subject' ? fact.path : name;
}

function isFault(parsed: Expression | Fault): parsed is Fault {
  return 'message' in parsed;
}

function isLiteral(value: unknown): value is Literal {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
