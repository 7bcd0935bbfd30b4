import { expect } from 'chai';
import { compileGraph } from '../../src/planning/compile.ts';
import type { AcceptedFinding, Finding } from '../../src/graph/index.ts';
import { client, placed, within } from '../support/compile.ts';
import { withFolder } from '../support/files.ts';

const LAST_DAY = Date.parse('2026-06-30T23:59:59Z') / 1000;

/** web → shop → depot, which checks no caller. */
const graph = (accepted: string): string => `waybill: 1
name: test
issuer: { url: 'http://127.0.0.1:8080' }
defaults: { headers: { profile: envoy } }
${client('{ shop: [buy] }')}
services:
  shop: { scopes: { buy: { calls: { depot: [pick] } } } }
  depot: { scopes: { pick: , idle: }, description: A store }
${accepted}`;

const entry = (at: string, code = 'spendable-by-others', until = '2026-06-30'): string =>
  `accepted: [{ code: ${code}, at: '${at}', reason: Meant., until: ${until} }]\n`;

function check(
  accepted: string,
  now = LAST_DAY,
): { plan: boolean; open: string[]; findings: readonly Finding[]; accepted: readonly AcceptedFinding[] } {
  const files = { 'a.yaml': graph(accepted) };
  return withFolder(files, (folder) => {
    const compiled = compileGraph([folder], { clock: () => now });
    const findings = within(folder, compiled.findings);
    const open = findings.map(placed).map((text) => text.replace(/^a\.yaml:/, ''));
    return { plan: compiled.plan !== undefined, open, findings, accepted: compiled.accepted };
  });
}

const SPENDABLE = '13:3 spendable-by-others';
const IDLE = '13:30 unused-scope';

describe('accepted findings', () => {
  it('are told apart from the others, with their reason, until the end of their last day', () => {
    const { open, accepted } = check(entry('depot'));
    expect(open).to.deep.equal([IDLE]);
    expect(accepted.map(({ code, reason, until }) => [code, reason, until])).to.deep.equal([
      ['spendable-by-others', 'Meant.', '2026-06-30'],
    ]);
  });

  it('come back when their day has passed, and say so', () => {
    const { open, accepted, findings } = check(entry('depot'), LAST_DAY + 1);
    expect(open).to.deep.equal([SPENDABLE, IDLE]);
    expect(accepted).to.deep.equal([]);
    expect(findings[0]?.hint).to.match(/ It was accepted until 2026-06-30\.$/);
  });

  it('may be in any file, and name a place by its section or a scope by its service', () => {
    expect(check(entry('services.depot')).open).to.deep.equal([IDLE]);
    expect(check(entry('depot:idle', 'unused-scope')).open).to.deep.equal([SPENDABLE]);
    const files = { 'a.yaml': graph(''), 'b.yaml': `waybill: 1\n${entry('depot')}` };
    const open = withFolder(files, (folder) =>
      compileGraph([folder], { clock: () => LAST_DAY }).findings.map(({ code }) => code),
    );
    expect(open).to.deep.equal(['unused-scope']);
  });

  it('cover nothing but their code at their place: an acceptance of nothing is a warning', () => {
    const unused = [entry('shop'), entry('depot', 'unused-scope'), entry('depot:pick', 'unused-scope')];
    for (const text of unused)
      expect(check(text).open, text).to.have.members([
        SPENDABLE,
        IDLE,
        `14:${text.indexOf("'") + 1} unused-acceptance`,
      ]);
  });

  it('are never errors, so that no change silences the error that it brings (threat 18)', () => {
    const outside = graph(entry('depot', 'spendable-outside')).replace(
      'defaults: {',
      'zones: { mesh: }\ndefaults: { zone: mesh,',
    );
    withFolder({ 'a.yaml': outside }, (folder) => {
      const { findings, plan } = compileGraph([folder], { clock: () => LAST_DAY });
      expect(plan).to.equal(undefined);
      expect(findings.map(({ code }) => code)).to.deep.equal([
        'spendable-outside',
        'unused-scope',
        'accepted-error',
      ]);
    });
    expect(check(entry('depot', 'unused-acceptance')).open).to.include('14:20 accepted-error');
  });

  it('name a code that there is, and a day that there is', () => {
    expect(check(entry('depot', 'spendable-by-other')).open).to.include('14:20 unknown-code');
    expect(check(entry('depot', 'spendable-by-others', '2026-02-30')).open.join()).to.match(
      /14:\d+ invalid-value/,
    );
    expect(check(entry('depot', 'spendable-by-others', 'never')).open.join()).to.match(
      /14:\d+ invalid-value/,
    );
  });

  it('are not judged as unused where an error keeps checks from running', () => {
    const { open } = check(`${entry('depot')}x: 1\n`);
    expect(open.join()).to.contain('unknown-key').and.not.contain('unused-acceptance');
  });
});

describe('a finding of which some places are accepted', () => {
  const acceptance = (at: string, code: string, reason: string, until = '2026-06-30'): string =>
    `{ code: ${code}, at: '${at}', reason: ${reason}, until: ${until} }`;
  const three = (...accepted: string[]): string => `waybill: 1
name: test
issuer: { url: 'http://127.0.0.1:8080' }
defaults: { headers: { profile: envoy }, caller: mtls }
${client('{ shop: [buy] }')}
services:
  depot: { scopes: { pick: } }
  shop: { scopes: { buy: , a: { calls: { depot: [pick] } }, b: , c: } }
accepted: [${accepted.join(', ')}]
`;
  const told = (...accepted: string[]) =>
    withFolder({ 'a.yaml': three(...accepted) }, (folder) => {
      const compiled = compileGraph([folder], { clock: () => LAST_DAY });
      const inLine = ({ line, column, message, hint, places }: Finding): string =>
        [`${line}:${column}`, ...places.map((place) => `${place.line}:${place.column}`)].join(' ') +
        ` ${message} ${/It was accepted.*$/.exec(hint)?.[0] ?? ''}`.trimEnd();
      return { open: compiled.findings.map(inLine), accepted: compiled.accepted.map(inLine) };
    });

  it('stands with the others, and in their words', () => {
    expect(told().open).to.deep.equal([
      '13:28 13:61 13:66 12:3 No one calls shop:a, shop:b and shop:c, and therefore no client reaches depot.',
    ]);
    const { open, accepted } = told(acceptance('shop:b', 'unused-scope', 'Soon.'));
    expect(open).to.deep.equal([
      '13:28 13:66 12:3 No one calls shop:a and shop:c, and therefore no client reaches depot.',
    ]);
    expect(accepted).to.deep.equal(['13:61 No one calls shop:b.']);
  });

  it('says why the rest is there, where its cause is accepted', () => {
    const scopes = ['a', 'b', 'c'].map((name) => acceptance(`shop:${name}`, 'unused-scope', 'Soon.'));
    const { open, accepted } = told(...scopes);
    expect(open).to.deep.equal(['12:3 No client reaches depot, because no one calls shop:a.']);
    expect(accepted).to.deep.equal(['13:28 13:61 13:66 No one calls shop:a, shop:b and shop:c.']);
    expect(told(...scopes, acceptance('depot', 'unused-scope', 'Soon.')).open).to.deep.equal([]);
  });

  it('is one accepted finding for each reason, and one open finding for each day that has passed', () => {
    const { open, accepted } = told(
      acceptance('shop:a', 'unused-scope', 'Soon.'),
      acceptance('shop:b', 'unused-scope', 'Later.'),
      acceptance('shop:c', 'unused-scope', 'Gone.', '2026-06-29'),
    );
    expect(accepted).to.deep.equal(['13:28 No one calls shop:a.', '13:61 No one calls shop:b.']);
    expect(open).to.deep.equal([
      '12:3 No client reaches depot, because no one calls shop:a.',
      '13:66 No one calls shop:c. It was accepted until 2026-06-29.',
    ]);
  });
});
