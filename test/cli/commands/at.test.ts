/** `--at` shows a graph as on another day. */
import { expect } from 'chai';
import { removeScratch, scratchFile, scratchFolder } from '../../support/files.ts';
import { run } from '../../support/program.ts';

const GRAPH = `waybill: 1
name: shop
issuer: { url: 'https://tokens.shop.example' }
defaults: { headers: { profile: node }, caller: mtls }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB_SECRET }
    calls: { orders: [place] }
services:
  orders: { scopes: { place: { calls: { mail: { scopes: [send], until: 2999-01-31 } } } } }
  mail: { scopes: { send: {} } }
`;
const TESTS = `waybill: 1
tests:
  - test: nobody sends mail
    may_be_empty: true
    never: { from: [web], to: ['mail:send'] }
`;

describe('--at', () => {
  after(removeScratch);

  const codesAt = async (...args: string[]) => {
    const { stdout } = await run(['check', '--json', scratchFile('shop.yaml', GRAPH), ...args]);
    return (JSON.parse(stdout) as { findings: { code: string }[] }).findings.map(({ code }) => code);
  };

  it('moves the day of check', async () => {
    expect(await codesAt()).to.deep.equal([]);
    expect(await codesAt('--at', '2999-01-31')).to.deep.equal(['call-ends']);
    expect(await codesAt('--at', '2999-02-01')).to.deep.equal(['call-ended', 'unreachable-service']);
  });

  it('moves the day of plan, why, test, diff and draw', async () => {
    const folder = scratchFolder();
    const file = scratchFile('shop.yaml', GRAPH, folder);
    scratchFile('shop.test.yaml', TESTS, folder);
    const later = scratchFile('later.yaml', GRAPH.replace('2999', '3000'), folder);
    const each: [readonly string[], before: RegExp, after: RegExp][] = [
      [['plan', file, '--client', 'web', '--scope', 'place'], /mail .*\(until 2999-01-31\)/, /^(?!.*mail)/s],
      [['why', file, 'mail:send'], /mail:send  \(until 2999-01-31\)/, /no client reaches it/],
      [['test', file], /mail:send/, /✓/],
      [['diff', file, later], /until 3000-01-31, not 2999-01-31/, /now calls mail:send/],
      [['draw', file, '--format', 'mermaid'], /until 2999-01-31/, /^(?!.*until)/s],
    ];
    for (const [args, before, after] of each) {
      expect((await run(args)).stdout, args.join(' ')).to.match(before);
      expect((await run([...args, '--at', '2999-02-01'])).stdout, args.join(' ')).to.match(after);
    }
  });

  it('takes a day alone', async () => {
    for (const wrong of ['2999-02-30', 'tomorrow', '2999-01-31T00:00:00Z']) {
      const { code, stderr } = await run(['check', scratchFile('shop.yaml', GRAPH), '--at', wrong]);
      expect([code, /Write a day as 2027-03-31/.test(stderr)]).to.deep.equal([2, true]);
    }
  });
});
