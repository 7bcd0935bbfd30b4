/**
 * From CEL text to a condition. The library parses it within limits and checks its types. Before anything else uses it, its
 * syntax tree is rebuilt as an `Expression`, node by node: what has no place there is refused.
 */
import { Environment, type ASTNode, type ParseError } from '@marcbachmann/cel-js';
import type { FindingCode } from '../explanations.ts';
import type { ClaimType } from '../declare/declaration.ts';
import { didYouMean } from '../names.ts';
import {
  COMPARISONS,
  TEXT_TESTS,
  eachPart,
  partsOf,
  type ClaimFactSource,
  type Comparison,
  type Expression,
  type Fact,
  type Literal,
  type TextTest,
} from './expression.ts';
import { CLAIM_SOURCES, OTHER_FACTS, isFreeName, isIdentifier } from './vocabulary.ts';

export const MAX_CHARACTERS = 1_024;
/** Of the expression with all named conditions in it. */
export const MAX_NODES = 128;
export const MAX_DEPTH = 16;
export const MAX_ITEMS = 64;

/** Why a text is no condition. */
export interface Fault {
  /** Absent: it only follows from a named condition, whose own fault is reported. */
  readonly code: FindingCode | undefined;
  readonly message: string;
  readonly hint: string;
}

export interface Vocabulary {
  readonly claims: (source: ClaimFactSource) => ReadonlyMap<string, Fact>;
  /** Named conditions; undefined: it has a fault of its own. */
  readonly named: ReadonlyMap<string, Expression | undefined>;
  /** Names of conditions that cannot be read here. Default: none. */
  readonly closed?: ReadonlySet<string>;
}

class Unfit extends Error {
  readonly fault: Fault;

  constructor(code: FindingCode | undefined, message: string, hint = '') {
    super(message);
    this.fault = { code, message, hint };
  }
}

const SUPPORTED =
  'A condition has facts, texts, whole numbers, true, false and lists of them; ==, !=, <, <=, >, >=, in, &&, ||, !; has, size, startsWith, endsWith, contains, exists and all.';

const CEL_TYPES: Readonly<Record<ClaimType, string>> = {
  any: 'dyn',
  string: 'string',
  int: 'int',
  bool: 'bool',
  strings: 'list<string>',
};

export class ConditionParser {
  readonly #vocabulary: Vocabulary;
  readonly #environment: Environment;

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
    this.#environment = environmentOf(vocabulary);
  }

  /** @returns the condition, or what is wrong with its text. */
  parse(text: string): Expression | Fault {
    try {
      if (text.length > MAX_CHARACTERS)
        throw tooLarge(`It has ${text.length} characters; ${MAX_CHARACTERS} are allowed.`);
      const parsed = this.#parsed(text);
      const expression = new Builder(text, this.#vocabulary).build(parsed.ast);
      checkSize(expression);
      this.#checkTypes(text, parsed);
      return expression;
    } catch (error) {
      if (error instanceof Unfit) return error.fault;
      throw error;
    }
  }

  #parsed(text: string): ReturnType<Environment['parse']> {
    try {
      return this.#environment.parse(text);
    } catch (error) {
      const { code, summary = '', range } = error as Partial<ParseError>;
      if (code === 'limit_exceeded') throw tooLarge(`${summary}.`);
      throw new Unfit(
        'condition-syntax',
        `${excerpt(text, range)} is not CEL: ${summary || 'it cannot be read'}.`,
        SUPPORTED,
      );
    }
  }

  #checkTypes(text: string, parsed: ReturnType<Environment['parse']>): void {
    const { valid, type, error } = parsed.check();
    if (!valid)
      throw new Unfit(
        'condition-type',
        `${excerpt(text, error?.range)} compares or combines values of types that do not fit: ${error?.summary ?? 'unknown'}.`,
        'The `type` of a claim says what its values are.',
      );
    if (type !== 'bool')
      throw new Unfit(
        'condition-type',
        `The condition is not true or false, but of the type ${type}.`,
        'Compare it with something; a claim that is true or false itself has `type: bool`.',
      );
  }
}

function environmentOf({ claims, named }: Vocabulary): Environment {
  const environment = new Environment({
    homogeneousAggregateLiterals: false,
    // Of its own tree, which has more nodes than ours; a text of a thousand characters cannot have many.
    limits: {
      maxAstNodes: MAX_CHARACTERS,
      maxDepth: 2 * MAX_DEPTH,
      maxListElements: MAX_ITEMS,
      maxMapEntries: 0,
      maxCallArguments: 2,
    },
  });
  for (const source of CLAIM_SOURCES) {
    const fields = [...claims(source)].filter(([name]) => isIdentifier(name));
    environment.registerVariable(source, {
      schema: Object.fromEntries(fields.map(([name, { type }]) => [name, CEL_TYPES[type]])),
    });
  }
  environment.registerVariable('provider', 'string');
  environment.registerVariable('auth', { schema: { acr: 'string', age: 'int' } });
  for (const name of named.keys()) environment.registerVariable(name, 'bool');
  return environment;
}

class Builder {
  readonly #text: string;
  readonly #vocabulary: Vocabulary;
  /** The name of the member that `exists` or `all` looks at; absent outside. */
  #item: string | undefined;

  constructor(text: string, vocabulary: Vocabulary) {
    this.#text = text;
    this.#vocabulary = vocabulary;
  }

  build(node: ASTNode): Expression {
    switch (node.op) {
      case 'value':
        return { op: 'literal', value: this.#literal(node) };
      case 'list':
        return { op: 'list', items: node.args.map((item) => this.#listed(item)) };
      case 'id':
        return this.#named(node, node.args);
      case '.':
        return { op: 'fact', fact: this.#fact(node) };
      case '&&':
      case '||':
        return { op: node.op, left: this.build(node.args[0]), right: this.build(node.args[1]) };
      case '!_':
        return { op: 'not', of: this.build(node.args) };
      case '-_':
        return negated(this.build(node.args));
      case 'call':
        return this.#call(node, node.args[0], node.args[1]);
      case 'rcall':
        return this.#method(node, ...node.args);
      default: {
        if (!isComparison(node.op)) throw this.#unsupported(node);
        const [left, right] = node.args as [ASTNode, ASTNode];
        return { op: node.op, left: this.build(left), right: this.build(right) };
      }
    }
  }

  #literal(node: Extract<ASTNode, { op: 'value' }>): Literal {
    const { args: value } = node;
    if (typeof value === 'string' || typeof value === 'boolean') return value;
    if (typeof value !== 'bigint') throw this.#unsupported(node);
    const number = Number(value);
    if (Number.isSafeInteger(number)) return number;
    throw new Unfit(
      'condition-unsupported',
      `${value} is a number that no token can carry.`,
      'Whole numbers lie between -9007199254740991 and 9007199254740991 (2^53-1).',
    );
  }

  #listed(node: ASTNode): Literal {
    const expression = this.build(node);
    if (expression.op === 'literal') return expression.value;
    throw new Unfit(
      'condition-unsupported',
      `${this.#excerpt(node)} stands in a list.`,
      'A list has texts, whole numbers, true and false.',
    );
  }

  #named(node: ASTNode, name: string): Expression {
    if (name === this.#item) return { op: 'item' };
    const fact = OTHER_FACTS.get(name);
    if (fact) return { op: 'fact', fact };
    const { named } = this.#vocabulary;
    if (named.has(name)) {
      const condition = named.get(name);
      if (condition && this.#item !== undefined && [...eachPart(condition)].some(isOverList))
        throw this.#nested(node);
      if (condition) return condition;
      throw new Unfit(undefined, `${name} has an error.`);
    }
    if (this.#vocabulary.closed?.has(name))
      throw new Unfit(
        'condition-unsupported',
        `It reads the condition ${name}.`,
        'Conditions with a name read facts alone: put both into the `when`, with && between them.',
      );
    if (name === 'auth' || isClaimSource(name))
      throw new Unfit(
        'condition-unsupported',
        `${name} is no fact itself.`,
        `Name one: ${name === 'auth' ? 'auth.acr, auth.age' : `${name}.CLAIM`}.`,
      );
    throw new Unfit(
      'unknown-condition',
      `There is no condition and no fact ${this.#excerpt(node)}.`,
      didYouMean(name, [...named.keys(), 'provider']) ||
        'Facts are subject.CLAIM, request.CLAIM, client.CLAIM, provider, auth.acr and auth.age.',
    );
  }

  #fact(node: Extract<ASTNode, { op: '.' }>): Fact {
    const [holder, name] = node.args;
    if (holder.op !== 'id')
      throw new Unfit(
        'condition-unsupported',
        `${this.#excerpt(node)} looks inside a value.`,
        'Declare a claim whose `path` leads there, and name that.',
      );
    const source = holder.args;
    if (isClaimSource(source) && source !== this.#item) {
      const claims = this.#vocabulary.claims(source);
      const fact = claims.get(name);
      if (fact) return fact;
      throw new Unfit(
        'unknown-claim',
        `No claim ${name} is declared with \`from: ${source}\`.`,
        didYouMean(name, claims.keys()) || `Declare it under \`claims\` with \`from: ${source}\`.`,
      );
    }
    const fact = OTHER_FACTS.get(`${source}.${name}`);
    if (fact) return fact;
    if (source === 'auth')
      throw new Unfit('unknown-condition', `There is no fact auth.${name}.`, 'It has auth.acr and auth.age.');
    throw this.#unsupported(node);
  }

  #call(node: ASTNode, name: string, args: readonly ASTNode[]): Expression {
    const [argument] = args;
    if (!argument || args.length > 1) throw this.#unsupported(node);
    if (name === 'size') return { op: 'size', of: this.build(argument) };
    if (name === 'has' && argument.op === '.') return { op: 'has', fact: this.#fact(argument) };
    throw this.#unsupported(node);
  }

  #method(node: ASTNode, name: string, receiver: ASTNode, args: readonly ASTNode[]): Expression {
    const [first, second] = args;
    if (isTextTest(name) && first && !second)
      return { op: name, of: this.build(receiver), part: this.build(first) };
    if ((name !== 'exists' && name !== 'all') || !first || !second || args.length > 2)
      throw this.#unsupported(node);
    if (this.#item !== undefined) throw this.#nested(node);
    const list = this.build(receiver);
    const item = first.op === 'id' ? first.args : '';
    if (!isFreeName(item) || this.#vocabulary.named.has(item))
      throw new Unfit(
        'condition-unsupported',
        `${this.#excerpt(first)} cannot name the members of a list.`,
        'Take another name, as in subject.groups.exists(group, group == "staff").',
      );
    this.#item = item;
    const each = this.build(second);
    this.#item = undefined;
    return { op: name, list, each };
  }

  /** Not through the name of a condition either: the cost would be that of two lists, multiplied. */
  #nested(node: ASTNode): Unfit {
    return new Unfit(
      'condition-unsupported',
      `${this.#excerpt(node)} stands inside another exists or all.`,
      'They do not nest.',
    );
  }

  #unsupported(node: ASTNode): Unfit {
    return new Unfit(
      'condition-unsupported',
      `${this.#excerpt(node)} has a part of CEL that conditions do not have.`,
      SUPPORTED,
    );
  }

  #excerpt(node: ASTNode): string {
    return excerpt(this.#text, node);
  }
}

const SHOWN = 60;

function excerpt(text: string, range: { readonly start: number; readonly end: number } | undefined): string {
  const part = (range && text.slice(range.start, range.end).trim()) || text;
  return part.length > SHOWN ? `${part.slice(0, SHOWN)}…` : part;
}

/** `-5` is a literal, as `5` is. */
function negated(of: Expression): Expression {
  return of.op === 'literal' && typeof of.value === 'number'
    ? { op: 'literal', value: of.value === 0 ? 0 : -of.value }
    : { op: 'negate', of };
}

function checkSize(expression: Expression): void {
  const nodes = [...eachPart(expression)].length;
  if (nodes > MAX_NODES) throw tooLarge(`It has ${nodes} parts; ${MAX_NODES} are allowed.`);
  const depth = depthOf(expression);
  if (depth > MAX_DEPTH) throw tooLarge(`It nests ${depth} levels deep; ${MAX_DEPTH} are allowed.`);
}

/** `a && b && c` is one level. */
function depthOf(expression: Expression): number {
  const { op } = expression;
  const isChain = op === '&&' || op === '||';
  const below = partsOf(expression).map((part) => depthOf(part) - (isChain && part.op === op ? 1 : 0));
  return 1 + Math.max(0, ...below);
}

function tooLarge(message: string): Unfit {
  return new Unfit(
    'condition-unsupported',
    `The condition is too large. ${message}`,
    'Say less, or move parts into the calls and scopes that they guard.',
  );
}

function isOverList({ op }: Expression): boolean {
  return op === 'exists' || op === 'all';
}

function isComparison(op: string): op is Comparison {
  return (COMPARISONS as readonly string[]).includes(op);
}

function isTextTest(name: string): name is TextTest {
  return (TEXT_TESTS as readonly string[]).includes(name);
}

function isClaimSource(name: string): name is ClaimFactSource {
  return (CLAIM_SOURCES as readonly string[]).includes(name);
}
