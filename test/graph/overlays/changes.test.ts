/** What overlays change, where, and what that does to authority. */
import path from 'node:path';
import { expect } from 'chai';
import { judgeOverlays } from '../../../src/architect/diff/index.ts';
import { compileGraph, type Compiled } from '../../../src/planning/index.ts';
import { HEAD, client, compileFiles } from '../../support/compile.ts';
import { withFolder } from '../../support/files.ts';

const GRAPH = `${HEAD}vars: { secret: WEB }
${client('{ shop: [browse] }').replace('WEB_SECRET', "'${secret}_SECRET'")}services:
  shop:
    scopes:
      browse:
      buy: { calls: { pay: [charge] } }
  pay: { lifetime: 1m, scopes: { charge: } }
`;

type Overlays = Readonly<Record<string, string>>;

const overlaid = (overlays: Overlays, variables = {}, graph = GRAPH) =>
  compileFiles(
    {
      'graph.yaml': graph,
      ...Object.fromEntries(
        Object.entries(overlays).map(([name, keys]) => [name, `waybill: 1\noverlay: true\n${keys}\n`]),
      ),
    },
    variables,
    Object.keys(overlays),
  );

const impacts = (overlays: Overlays, graph = GRAPH) =>
  overlaid(overlays, {}, graph).overlays.flatMap(({ changes }) =>
    changes.map(({ path: keys, impact }) => `${keys.join('.')} ${impact}`),
  );

const LIFE = 'services: { pay: { lifetime: 2m } }';
const BUY = 'clients: { web: { calls: { shop: [browse, buy] } } }';

describe('the changes of an overlay', () => {
  it('have their path, old and new value, impact and place; what stays the same is none', () => {
    const { overlays } = overlaid({
      'prod.yaml':
        'defaults: { caller: mtls }\nservices:\n  pay: { lifetime: 30s, owner: money }\n  shop: { scopes: { buy: remove, browse: } }',
    });
    expect(overlays.map(({ file, changes }) => [path.basename(file), changes])).to.deep.equal([
      [
        'prod.yaml',
        [
          {
            path: ['services', 'pay', 'lifetime'],
            old: '1m',
            new: '30s',
            impact: 'neutral',
            line: 5,
            column: 10,
          },
          { path: ['services', 'pay', 'owner'], new: 'money', impact: 'neutral', line: 5, column: 25 },
          {
            path: ['services', 'shop', 'scopes', 'buy'],
            old: { calls: { pay: ['charge'] } },
            impact: 'neutral',
            line: 6,
            column: 21,
          },
        ],
      ],
    ]);
  });

  it('name variables first, but for those that have a value from outside', () => {
    const overlays = { 'prod.yaml': `${LIFE}\nvars: { secret: PROD }` };
    const pathsOf = (variables: object) =>
      overlaid(overlays, variables).overlays[0]!.changes.map(({ path: keys }) => keys.join('.'));
    expect(pathsOf({})).to.deep.equal(['vars.secret', 'services.pay.lifetime']);
    expect(pathsOf({ secret: 'TEST' })).to.deep.equal(['services.pay.lifetime']);
  });

  it('are judged together with those before them', () => {
    expect(impacts({ 'life.yaml': LIFE, 'buy.yaml': BUY })).to.deep.equal([
      'services.pay.lifetime neutral',
      'clients.web.calls.shop widens',
    ]);
    expect(impacts({ 'buy.yaml': BUY, 'life.yaml': LIFE })).to.deep.equal([
      'clients.web.calls.shop widens',
      'services.pay.lifetime widens',
    ]);
  });

  it('widen where a client gets another secret, and narrow where it may ask for less', () => {
    const wide = GRAPH.replace('{ shop: [browse] }', '{ shop: [browse, buy] }');
    const less = `vars: { secret: PROD }\n${BUY.replace(', buy', '')}`;
    expect(impacts({ 'prod.yaml': less }, wide)).to.deep.equal([
      'vars.secret widens',
      'clients.web.calls.shop narrows',
    ]);
  });

  it('widen where a list of callers gets longer or goes away, and narrow where it gets shorter', () => {
    const graph = GRAPH.replace('charge: }', 'charge: { callers: [shop] } }');
    const listed = (callers: string): string =>
      `services: { pay: { scopes: { charge: { callers: ${callers} } } } }`;
    expect(
      impacts({ 'more.yaml': listed('[shop, web]'), 'less.yaml': listed('[shop]') }, graph),
    ).to.deep.equal([
      'services.pay.scopes.charge.callers widens',
      'services.pay.scopes.charge.callers narrows',
    ]);
  });

  it('are judged one by one even where the graph between them has errors', () => {
    const graph = GRAPH.replace('charge: }', 'charge: { claims: [tier] } }').concat(
      'claims: { tier: { value: gold, max_bytes: 9 } }\n',
    );
    const removal =
      'claims: { tier: remove }\nservices: { pay: { lifetime: 2m, scopes: { charge: { claims: [] } } } }';
    const wide = graph.replace('{ shop: [browse] }', '{ shop: [browse, buy] }');
    expect(impacts({ 'prod.yaml': removal }, wide)).to.deep.equal([
      'claims.tier narrows',
      'services.pay.lifetime widens',
      'services.pay.scopes.charge.claims neutral',
    ]);
  });

  it('count as widening where the graph without them cannot be compared', () => {
    const cycle = GRAPH.replace('charge: }', 'charge: { calls: { shop: [buy] } } }');
    const { findings } = overlaid(
      { 'prod.yaml': 'services: { pay: { owner: money, scopes: { charge: { calls: { shop: remove } } } } }' },
      {},
      cycle,
    );
    const widening = findings.filter(({ code }) => code === 'overlay-widens');
    expect(widening.map(({ line }) => line)).to.deep.equal([3, 3]);
    expect(widening.every(({ message }) => message.includes('cannot be compared'))).to.equal(true);
  });

  it('share comparisons where there are many, and none that widens is missed', () => {
    const names = Array.from({ length: 130 }, (_, at) => `s${at}`);
    const graph = `${GRAPH}${names.map((name) => `  ${name}: { scopes: { s: } }\n`).join('')}`;
    const owned = (name: string): string =>
      `  ${name}: { owner: new${name === 's77' ? ', identity: pay2' : ''} }\n`;
    const widening = impacts(
      { 'prod.yaml': `services:\n${names.map(owned).join('')}  shop: { caller: none }` },
      graph,
    ).filter((change) => change.endsWith('widens'));
    expect(widening).to.include('services.shop.caller widens');
    expect(widening.length).to.be.within(1, 3);
  });

  it('are accepted by the path that check prints, also where they belong to no party', () => {
    const graph = `${GRAPH}conditions: { small: request.amount <= 100 }
claims: { amount: { from: request, type: int } }
`.replace('buy: {', 'buy: { when: small, claims: [amount],');
    const wide = graph.replace('{ shop: [browse] }', '{ shop: [browse, buy] }');
    const changes = `vars: { secret: PROD }
conditions: { small: request.amount <= 200 }
defaults: { caller: none }
issuer: { lifetime: 10m }
`;
    const PATHS = ['vars.secret', 'conditions.small', 'defaults.caller', 'issuer.lifetime'];
    const open = (places: readonly string[]): string[] => {
      const entries = places.map(
        (at) => `{ code: overlay-widens, at: ${at}, reason: Meant., until: 2999-01-01 }`,
      );
      const overlay = `${changes}accepted: [${entries.join(', ')}]`;
      return overlaid({ 'prod.yaml': overlay }, {}, wide)
        .findings.flatMap(({ code, message }) =>
          /overlay-widens|unused-acceptance/.test(code)
            ? [/(?:adds|changes) ([^,]*),|at (.*)\./.exec(message)!]
            : [],
        )
        .map(([, changed, unused]) => changed ?? `unused ${unused}`);
    };
    expect(open([])).to.have.members(PATHS);
    for (const each of PATHS) expect(open([each])).to.have.members(PATHS.filter((other) => other !== each));
    expect(open(['vars', 'conditions.small', 'defaults', 'issuer'])).to.deep.equal([]);
    expect(open(['vars.other'])).to.have.members([...PATHS, 'unused vars.other']);
  });

  it('are not judged where nobody asks, and then no acceptance of them counts as unused', () => {
    const accepted = 'accepted: [{ code: overlay-widens, at: web, reason: Meant., until: 2999-01-01 }]';
    const files = { 'graph.yaml': GRAPH, 'buy.yaml': `waybill: 1\noverlay: true\n${BUY}\n${accepted}\n` };
    const [silent, judged] = withFolder<[Compiled, Compiled]>(files, (folder) => {
      const paths = [folder, path.join(folder, 'buy.yaml')];
      return [compileGraph(paths), compileGraph(paths, { judgeOverlays })];
    });
    expect(silent.overlays[0]!.changes[0]).to.not.have.property('impact');
    expect(judged.overlays[0]!.changes[0]!.impact).to.equal('widens');
    expect([silent.findings, judged.findings]).to.deep.equal([[], []]);
    expect([silent.accepted.length, judged.accepted.length]).to.deep.equal([0, 1]);
  });
});
