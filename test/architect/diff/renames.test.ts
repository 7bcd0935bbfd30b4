/** A scope under another name is one change, and nothing is taken for a rename that is none. */
import { expect } from 'chai';
import { diffGraphs, type GraphDiff } from '../../../src/architect/diff/index.ts';
import { planOf } from '../../support/compile.ts';

const shop = `waybill: 1
name: shop
issuer: { url: 'https://tokens.shop.example' }
subjects:
  login: { issuer: 'https://login.shop.example', audience: 'https://shop.example' }
claims:
  tier: { from: client }
  role: { from: subject }
defaults: { headers: { profile: envoy } }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB }
    grants: [client_credentials, token_exchange]
    subjects: [login]
    claims: { tier: gold }
    default_scopes: [order]
    calls: { front: { scopes: [order, browse], when: { order: { role: [buyer] } } } }
services:
  front:
    auth: { method: client_secret_basic, secret_env: FRONT }
    scopes:
      order: { operations: [POST /orders], calls: { stock: [reserve] } }
      browse: { operations: [GET /items], calls: { stock: { scopes: [count], mode: embed } } }
  stock:
    scopes:
      reserve: { operations: [POST /reservations], claims: [tier], calls: { ledger: [note] } }
      count: {}
  ledger: { scopes: { note: { claims: [role] } } }
`;

function edited(...edits: readonly (readonly [RegExp, string])[]): string {
  return edits.reduce((text, [from, to]) => {
    expect(text).to.match(from);
    return text.replaceAll(new RegExp(from, 'g'), to);
  }, shop);
}

function diff(...edits: readonly (readonly [RegExp, string])[]): GraphDiff {
  return diffGraphs(planOf(shop), planOf(edited(...edits)));
}

const told = ({ changes }: GraphDiff): string[] =>
  changes.map(({ mark, kind, what }) => `${mark} ${kind}: ${what}`);

describe('the comparison of two graphs, of which one has other names for scopes', () => {
  it('reports one change for a scope that services call', () => {
    const found = diff([/\breserve\b/, 'hold']);
    expect(told(found)).to.deep.equal([
      'narrows rename: stock:reserve is now called hold, with the same operations, claims and calls; requests for the old name are refused',
    ]);
    expect(found.effects.reach).to.deep.equal([]);
  });

  it('reports one change for a scope that clients ask for, by default and on a condition', () => {
    expect(told(diff([/\border\b/, 'purchase']))).to.deep.equal([
      'narrows rename: front:order is now called purchase, with the same operations, claims and calls; requests for the old name are refused',
    ]);
  });

  it('follows a chain of renamed scopes from its end', () => {
    expect(
      told(diff([/\border\b/, 'purchase'], [/\breserve\b/, 'hold'], [/\bnote\b/, 'record'])),
    ).to.deep.equal([
      'widens rename: ledger:note is now called record, with the same claims and calls; it has no operations that say what it is for; requests for the old name are refused',
      'narrows rename: front:order is now called purchase, with the same operations, claims and calls; requests for the old name are refused',
      'narrows rename: stock:reserve is now called hold, with the same operations, claims and calls; requests for the old name are refused',
    ]);
  });

  it('reports what changed beside the name', () => {
    const found = diff(
      [/\breserve\b/, 'hold'],
      [/stock: \[hold\]/, 'stock: { scopes: [hold], mode: exchange }'],
      [/mode: embed/, 'mode: exchange'],
    );
    expect(told(found)).to.deep.equal([
      'narrows rename: stock:reserve is now called hold, with the same operations, claims and calls; requests for the old name are refused',
      'narrows mode: front now calls stock by exchange, not embed',
    ]);
  });

  it('takes no scope for another that does something else', () => {
    const found = diff(
      [/reserve: \{ operations: \[POST/, 'hold: { operations: [PUT'],
      [/\[reserve\]/, '[hold]'],
    );
    expect(found.verdict).to.equal('widens');
    expect(told(found)).to.deep.equal([
      'widens scope: front:order now asks stock for hold',
      'narrows scope: front:order no longer asks stock for reserve',
    ]);
  });

  it('takes no scope for another of which nothing is known but the name (threat 18)', () => {
    const found = diff([/\bcount\b/, 'admin']);
    expect(found.verdict).to.equal('widens');
    expect(told(found)).to.deep.equal([
      'widens scope: front:browse now asks stock for admin',
      'narrows scope: front:browse no longer asks stock for count',
    ]);
  });

  it('takes neither where two could be meant', () => {
    const twice = shop.replace(
      '      count: {}\n',
      '      count: {}\n      keep: { operations: [POST /reservations], claims: [tier], calls: { ledger: [note] } }\n',
    );
    const named = twice.replaceAll('[reserve]', '[reserve, keep]');
    const other = named.replaceAll('reserve', 'hold').replaceAll('keep', 'lay-by');
    const found = diffGraphs(planOf(named), planOf(other));
    expect(found.changes.map(({ kind }) => kind)).to.not.include('rename');
    expect(found.verdict).to.equal('widens');
  });

  it('is neutral for a scope that no request reaches', () => {
    const idle = shop.replace(
      '      count: {}\n',
      '      count: {}\n      idle: { operations: [GET /idle], callers: [web] }\n',
    );
    const found = diffGraphs(planOf(idle), planOf(idle.replace('idle:', 'rest:')));
    expect(found.verdict).to.equal('neutral');
  });

  it('says the same backwards', () => {
    const found = diffGraphs(planOf(edited([/\breserve\b/, 'hold'])), planOf(shop));
    expect(told(found)).to.deep.equal([
      'narrows rename: stock:hold is now called reserve, with the same operations, claims and calls; requests for the old name are refused',
    ]);
  });
});
