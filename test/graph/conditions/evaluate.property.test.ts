/** Conditions against an interpreter of its own, written from the rules of CEL, on random expressions and facts. */
import { expect } from 'chai';
import fc from 'fast-check';
import { holds } from '../../../src/graph/conditions/evaluate.ts';
import { factsOf, type Expression, type Fact } from '../../../src/graph/conditions/expression.ts';
import { ConditionParser } from '../../../src/graph/conditions/parse.ts';
import { UNKNOWN, mayHold } from '../../../src/graph/conditions/possibility.ts';
import { celOf } from '../../../src/graph/conditions/print.ts';

const NAMES = ['role', 'plan', 'any', 'flag', 'count'];
const TYPES = { role: 'strings', plan: 'string', any: 'any', flag: 'bool', count: 'int' } as const;
const claims = new Map<string, Fact>(
  NAMES.map((name) => [
    name,
    { source: 'subject', name, path: name, type: TYPES[name as keyof typeof TYPES] },
  ]),
);
const parser = new ConditionParser({
  claims: (source) => (source === 'subject' ? claims : new Map<string, Fact>()),
  named: new Map(),
});

class Failed extends Error {}

/** By exceptions and closures over text, where the other has values and a tree: nothing is shared but the grammar. */
function interpret(expression: Expression, facts: ReadonlyMap<string, unknown>, item?: unknown): unknown {
  const see = (part: Expression, it = item): unknown => interpret(part, facts, it);
  const bool = (value: unknown): boolean => {
    if (typeof value !== 'boolean') throw new Failed();
    return value;
  };
  const attempt = (part: Expression, it = item): boolean | Failed => {
    try {
      return bool(see(part, it));
    } catch (error) {
      if (error instanceof Failed) return error;
      throw error;
    }
  };
  const absorb = (outcomes: readonly (boolean | Failed)[], deciding: boolean): boolean => {
    if (outcomes.includes(deciding)) return deciding;
    const failed = outcomes.find((outcome) => outcome instanceof Failed);
    if (failed) throw failed;
    return !deciding;
  };
  const read = (fact: Fact): unknown => facts.get('name' in fact ? fact.name : fact.source);
  switch (expression.op) {
    case 'literal':
      return expression.value;
    case 'list':
      return [...expression.items];
    case 'item':
      return item;
    case 'has':
      return read(expression.fact) !== undefined;
    case 'fact': {
      const value = read(expression.fact);
      if (value === undefined) throw new Failed();
      return value;
    }
    case '&&':
      return absorb([attempt(expression.left), attempt(expression.right)], false);
    case '||':
      return absorb([attempt(expression.left), attempt(expression.right)], true);
    case 'not':
      return !bool(see(expression.of));
    case 'exists':
    case 'all': {
      const list = see(expression.list);
      if (!Array.isArray(list)) throw new Failed();
      const deciding = expression.op === 'exists';
      return absorb(
        list.map((each) => attempt(expression.each, each)),
        deciding,
      );
    }
    case 'size': {
      const value = see(expression.of);
      if (typeof value === 'string') return [...value].length;
      if (Array.isArray(value)) return value.length;
      throw new Failed();
    }
    case 'negate': {
      const value = see(expression.of);
      if (typeof value !== 'number') throw new Failed();
      return 0 - value;
    }
    case 'startsWith':
    case 'endsWith':
    case 'contains': {
      const [text, part] = [see(expression.of), see(expression.part)];
      if (typeof text !== 'string' || typeof part !== 'string') throw new Failed();
      const at = text.indexOf(part);
      if (expression.op === 'contains') return at >= 0;
      return expression.op === 'startsWith' ? at === 0 : text.slice(text.length - part.length) === part;
    }
    default: {
      const [left, right] = [see(expression.left), see(expression.right)];
      const equal = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
      if (expression.op === '==') return equal(left, right);
      if (expression.op === '!=') return !equal(left, right);
      if (expression.op === 'in') {
        if (!Array.isArray(right)) throw new Failed();
        return right.some((each) => equal(left, each));
      }
      if (typeof left !== typeof right || typeof left === 'object') throw new Failed();
      const bytes = (value: unknown) => Buffer.from(String(value));
      const order =
        typeof left === 'string' ? Buffer.compare(bytes(left), bytes(right)) : Number(left) - Number(right);
      return { '<': order < 0, '<=': order <= 0, '>': order > 0, '>=': order >= 0 }[expression.op];
    }
  }
}

function interpreted(expression: Expression, facts: ReadonlyMap<string, unknown>): boolean {
  try {
    return interpret(expression, facts) === true;
  } catch (error) {
    if (error instanceof Failed) return false;
    throw error;
  }
}

const text = fc.constantFrom('', 'a', 'b', 'ab', 'ä', '\u{1f600}', '\uffee');
const whole = fc.integer({ min: -3, max: 3 });
const literal = fc.oneof(text, whole, fc.boolean());
const fact = fc.constantFrom(...claims.values());
const atom = (inList: boolean): fc.Arbitrary<Expression> =>
  fc.oneof(
    literal.map((value) => ({ op: 'literal', value }) as const),
    fc.array(literal, { maxLength: 3 }).map((items) => ({ op: 'list', items }) as const),
    fact.map((each) => ({ op: 'fact', fact: each }) as const),
    fact.map((each) => ({ op: 'has', fact: each }) as const),
    ...(inList ? [fc.constant({ op: 'item' } as const)] : []),
  );
const compound = (part: fc.Arbitrary<Expression>): fc.Arbitrary<Expression> => {
  const pair = { left: part, right: part };
  const op = fc.constantFrom('==', '!=', '<', '<=', '>', '>=', 'in', '&&', '||');
  return fc.oneof(
    fc.record({ op, ...pair }),
    fc.record({ op: fc.constantFrom('not', 'size', 'negate'), of: part }),
    fc.record({ op: fc.constantFrom('startsWith', 'endsWith', 'contains'), of: part, part }),
  );
};
const grown = (inList: boolean, depth: number): fc.Arbitrary<Expression> =>
  depth === 0 ? atom(inList) : fc.oneof(atom(inList), compound(grown(inList, depth - 1)));
const quantified = fc.record({
  op: fc.constantFrom('exists', 'all'),
  list: grown(false, 1),
  each: grown(true, 2),
}) as fc.Arbitrary<Expression>;
const expressions = fc.oneof(
  grown(false, 3),
  quantified,
  fc.record({
    op: fc.constantFrom('&&', '||'),
    left: quantified,
    right: grown(false, 2),
  }) as fc.Arbitrary<Expression>,
);
const facts = fc
  .record(
    {
      role: fc.array(text, { maxLength: 3 }),
      plan: text,
      any: fc.oneof(literal, fc.array(literal, { maxLength: 3 })),
      flag: fc.boolean(),
      count: whole,
    },
    { requiredKeys: [] },
  )
  .map((record) => new Map<string, unknown>(Object.entries(record)));

const valueOf = (known: ReadonlyMap<string, unknown>) => (each: Fact) =>
  known.get('name' in each ? each.name : each.source);

describe('A condition', () => {
  it('holds as an interpreter of its own says, on random expressions and facts', () => {
    fc.assert(
      fc.property(expressions, facts, (expression, known) => {
        expect(holds(expression, valueOf(known)), celOf(expression)).to.equal(interpreted(expression, known));
      }),
      { numRuns: 3_000 },
    );
  });

  it('is the same tree after it is printed and parsed, wherever its types fit', () => {
    let parsed = 0;
    fc.assert(
      fc.property(expressions, (expression) => {
        const again = parser.parse(celOf(expression));
        if ('message' in again) return;
        parsed += 1;
        expect(parser.parse(celOf(again))).to.deep.equal(again);
      }),
      { numRuns: 3_000 },
    );
    expect(parsed).to.be.greaterThan(100);
  });

  it('can hold wherever it does, however little is known', () => {
    fc.assert(
      fc.property(expressions, facts, fc.func(fc.boolean()), (expression, known, hides) => {
        if (!holds(expression, valueOf(known))) return;
        const hidden = new Set(factsOf(expression).filter((each) => hides(each)));
        expect(mayHold(expression, (each) => (hidden.has(each) ? UNKNOWN : valueOf(known)(each)))).to.equal(
          true,
        );
      }),
      { numRuns: 3_000 },
    );
  });
});
