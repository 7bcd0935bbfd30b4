import { expect } from 'chai';
import { holds, truthOf } from '../../../src/graph/conditions/evaluate.ts';
import type { Expression, Fact } from '../../../src/graph/conditions/expression.ts';
import { levelsIn, readsAge, smallestAge } from '../../../src/graph/conditions/levels.ts';
import { factNamed, oneOfValues } from '../../../src/graph/conditions/mapping.ts';
import { ConditionParser, MAX_CHARACTERS } from '../../../src/graph/conditions/parse.ts';
import { celOf } from '../../../src/graph/conditions/print.ts';

const TYPES = { role: 'strings', any: 'any', n: 'int', text: 'string' } as const;
const ROLE: ReadonlyMap<string, Fact> = new Map(
  Object.entries(TYPES).map(([name, type]) => [name, { source: 'subject', name, path: name, type }]),
);
const parser = new ConditionParser({
  claims: (source) => (source === 'subject' ? ROLE : new Map<string, Fact>()),
  named: new Map<string, Expression>([['staff', parsed('"a" in subject.role', ROLE)]]),
});

function parsed(text: string, claims = ROLE): Expression {
  const result = new ConditionParser({
    claims: (source) => (source === 'subject' ? claims : new Map<string, Fact>()),
    named: new Map(),
  }).parse(text);
  if ('message' in result) throw new TypeError(result.message);
  return result;
}

const withValues =
  (values: Readonly<Record<string, unknown>>) =>
  (fact: Fact): unknown =>
    values['name' in fact ? fact.name : fact.source];

describe('A condition', () => {
  const truths: readonly (readonly [
    text: string,
    values: Record<string, unknown>,
    truth: boolean | undefined,
  ])[] = [
    ['"a" in subject.role', { role: ['b', 'a'] }, true],
    ['"a" in subject.role', { role: ['b'] }, false],
    ['"a" in subject.role', {}, undefined],
    ['!("a" in subject.role)', {}, undefined],
    ['!has(subject.role)', {}, true],
    ['has(subject.role)', { role: null }, false],
    ['"a" in subject.role || provider == "p"', { provider: 'p' }, true],
    ['provider == "p" || "a" in subject.role', { provider: 'p' }, true],
    ['"a" in subject.role && provider == "q"', { provider: 'p' }, false],
    ['"a" in subject.role && provider == "p"', { provider: 'p' }, undefined],
    ['auth.age <= 300', { age: 300 }, true],
    ['auth.age <= 300', { age: 301 }, false],
    ['auth.age <= 300', { age: '300' }, undefined],
    ['subject.any == 1', { any: '1' }, false],
    ['subject.any == 1', { any: { toString: () => '1' } }, undefined],
    ['subject.any == true', { any: 'true' }, false],
    ['subject.any < 2', { any: '1' }, undefined],
    ['subject.any == [1, 2]', { any: [1, 2] }, true],
    ['subject.any in [1, 2]', { any: [1] }, false],
    ['"a" in subject.any', { any: [{ a: 1 }, 'a'] }, true],
    ['"a" in subject.any', { any: [{ a: 1 }, null] }, undefined],
    ['!("a" in subject.any)', { any: [{ name: 'a' }] }, undefined],
    ['!("a" in subject.any)', { any: [1, ['a']] }, true],
    ['subject.any.exists(x, x == "a")', { any: 'a' }, undefined],
    ['subject.any.exists(x, x == "a")', { any: [1, { a: 1 }, 'a'] }, true],
    ['subject.any.exists(x, x.startsWith("a"))', { any: [1, 'b'] }, undefined],
    ['subject.any.all(x, x == "a")', { any: [] }, true],
    ['size(subject.text) == 2', { text: '\u{1f600}a' }, true],
    ['subject.text < "\u{1f600}"', { text: '\uffee' }, true],
    ['-subject.n < -2', { n: 3 }, true],
  ];
  for (const [text, values, truth] of truths) {
    it(`${text} is ${truth ?? 'an error'} with ${JSON.stringify(values)}`, () => {
      expect(truthOf(parsed(text), withValues(values))).to.equal(truth);
      expect(holds(parsed(text), withValues(values))).to.equal(truth === true);
    });
  }

  it('reads a named one as if it stood there in parentheses', () => {
    const named = parser.parse('!staff && provider == "p"');
    expect(named).to.deep.equal(parsed('!("a" in subject.role) && provider == "p"'));
  });

  it('is the same tree in both spellings', () => {
    const graph = { claims: new Map() };
    expect(oneOfValues(factNamed('any', graph)!, ['a', 1])).to.deep.equal(
      parsed('subject.any in ["a", 1] || subject.any.exists(value, value in ["a", 1])'),
    );
    expect(oneOfValues(ROLE.get('role')!, ['a'])).to.deep.equal(parsed('subject.role.exists(r, r in ["a"])'));
  });

  it('threat 105: costs no more than its steps, however long the lists of a user are', () => {
    const long = Array.from({ length: 4_000 }, (_, n) => `group-${n}`);
    let reads = 0;
    const valueOf = (fact: Fact): unknown => {
      reads += 1;
      return 'name' in fact ? long : undefined;
    };
    const steps = 50_000;
    const hostile = parsed('subject.role.all(x, x in subject.any && subject.any == subject.role)');
    expect(holds(hostile, valueOf, steps)).to.equal(false);
    expect(reads).to.be.lessThan(100); // 12,000 without a bound
    expect(holds(parsed('"group-3999" in subject.role'), valueOf)).to.equal(true);
  });

  it('costs no more than its steps, however long the texts of a user are', () => {
    const list = Array.from({ length: 2_000 }, (_, n) => `group-${n}`);
    const long = 'x'.repeat(9_000);
    const twin = [...long].join('');
    const valueOf = (fact: Fact): unknown =>
      'name' in fact ? { role: list, text: long, any: twin }[fact.name] : undefined;
    for (const text of [
      'size(subject.text) == 1',
      'subject.text < subject.any',
      'subject.text != subject.any',
      'subject.text.contains("y")',
    ]) {
      // Nothing of the list is decided by the first 1,000 steps, and the whole takes seconds.
      const hostile = parsed(`subject.role.exists(x, ${Array(20).fill(text).join(' || ')})`);
      expect(truthOf(hostile, valueOf, 100_000), text).to.equal(undefined);
    }
    expect(truthOf(parsed('size(subject.text) == 9000'), valueOf)).to.equal(true);
  });

  it('refuses a long text before it is parsed', () => {
    const text = '('.repeat(10_000_000);
    expect(parser.parse(text))
      .to.have.property('message')
      .match(new RegExp(`${MAX_CHARACTERS} are allowed`));
  });

  it('names levels and the smallest age', () => {
    const strong = parsed(
      'auth.acr in ["mfa", "hw"] && (auth.age < 300 || 600 >= auth.age) && "x" != auth.acr',
    );
    expect(levelsIn(strong)).to.deep.equal(['mfa', 'hw', 'x']);
    expect([readsAge(strong), smallestAge(strong)]).to.deep.equal([true, 299]);
    expect([readsAge(parsed('provider == "a"')), smallestAge(parsed('provider == "a"'))]).to.deep.equal([
      false,
      undefined,
    ]);
  });

  it('is printed with the parentheses that it needs, and no others', () => {
    for (const text of [
      '(provider == "a" || auth.age < 5) && !("a" in subject.role)',
      'provider == "a" || auth.age < 5 && has(subject.role)',
      '(auth.age < 5) == true',
      'subject.role.exists(x, x.startsWith("a") && size(x) > 2)',
    ])
      expect(parsed(celOf(parsed(text)))).to.deep.equal(parsed(text));
    expect(celOf(parsed('((provider == "a") || (auth.age < 5))'))).to.equal(
      'provider == "a" || auth.age < 5',
    );
  });
});
