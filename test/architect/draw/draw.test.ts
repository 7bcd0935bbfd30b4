import { fileURLToPath } from 'node:url';

import { instance } from '@viz-js/viz';
import { expect } from 'chai';
import { DOMParser } from 'linkedom';

import { compileGraph } from '../../../src/planning/compile.ts';
import { drawGraph, drawRequest, PICTURE_FORMATS } from '../../../src/architect/draw/index.ts';
import { palette } from '../../../src/architect/draw/palette.ts';
import { isWaybillError } from '../../../src/errors.ts';
import type { Plan } from '../../../src/graph/index.ts';
import { planRequest, type CallView } from '../../../src/planning/request-plan.ts';
import { planOf } from '../../support/compile.ts';

const shipped = (name: string): Plan =>
  compileGraph([fileURLToPath(new URL(`../../../graphs/${name}.yaml`, import.meta.url))]).plan!;
const boutique = shipped('online-boutique');
const checkout = planRequest(boutique, 'storefront', { scopes: ['checkout'] });

interface Dot {
  readonly objects: readonly {
    readonly name: string;
    readonly label: string;
    readonly nodes?: readonly number[];
  }[];
  readonly edges: readonly { readonly tail: number; readonly head: number; readonly style?: string }[];
}

/** As Graphviz itself reads it. */
async function readDot(text: string): Promise<Dot> {
  return (await instance()).renderJSON(text, { format: 'dot_json' }) as Dot;
}

const textsOf = (svg: string): string[] =>
  [...new DOMParser().parseFromString(svg, 'text/xml').querySelectorAll('text')].map(
    (element) => (element as { textContent: string }).textContent,
  );

const views = (view: CallView): CallView[] => [view, ...view.calls.flatMap(views)];

const HOSTILE = `b<b>&#x;[|]{}#quot;%%{init:1}%%-->\`]`;
/** Every mode, three zones, and names that mean something in each language. */
const zoned = planOf(`
waybill: 1
name: '<script>alert("1")</script> \\N & "co'
issuer: { url: 'https://tokens.example' }
zones: { 'edge': { via: [nginx] }, mesh: { via: [istio] } }
defaults: { headers: { profile: node }, zone: mesh }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB_SECRET }
    token: opaque
    calls: { gateway: ['${HOSTILE}'] }
services:
  gateway:
    zone: edge
    auth: { method: client_secret_basic, secret_env: G }
    scopes:
      '${HOSTILE}': { calls: { catalog: [read], ads: { scopes: [show], mode: exchange, probability: 0.3 } } }
  catalog: { scopes: { read: { calls: { db: { mode: none }, cache: { scopes: [get], mode: forward } } } } }
  cache: { accepts_forward: [catalog], scopes: { get: {} } }
  ads: { scopes: { show: {} } }
`);

describe('draw', () => {
  it('shows the bytes of every token as in plan', async () => {
    const texts = textsOf(await drawRequest(boutique, checkout, 'svg'));
    const all = views(checkout.root);
    const sizes = all.flatMap(({ bytes }) => (bytes ? [`${bytes.nested.toLocaleString('en')} B`] : []));
    expect(sizes).to.have.length(checkout.tokens);
    expect(texts).to.include.members([...all.map(({ service }) => service), ...sizes]);
    expect(texts.filter((text) => / B$/.test(text))).to.have.length(checkout.tokens);
    expect(texts)
      .to.include('19 % of 59,368 (istio)')
      .and.include('{region}')
      .and.include('mesh, behind istio');
  });

  it('has a title and a sentence for each call, for screen readers', async () => {
    const svg = new DOMParser().parseFromString(await drawRequest(boutique, checkout, 'svg'), 'text/xml');
    const root = svg.querySelector('svg') as unknown as { getAttribute(name: string): string };
    const of = (name: string) =>
      (svg.querySelector(`#${root.getAttribute(name)}`) as unknown as { textContent: string }).textContent;
    expect(root.getAttribute('role')).to.equal('img');
    expect(of('aria-labelledby')).to.equal('storefront asks for checkout: 12 tokens, 3 levels');
    expect(of('aria-describedby')).to.include(
      'checkoutservice to paymentservice: travels inside, 578 B, 4 % of 14,315 (node).',
    );
  });

  for (const name of ['online-boutique', 'otel-demo', 'sock-shop', 'eshop-on-containers']) {
    it(`gives Graphviz the services and calls of ${name}`, async () => {
      const plan = shipped(name);
      const { objects, edges } = await readDot(await drawGraph(plan, { format: 'dot' }));
      const drawn = edges.map(({ tail, head }) => `${objects[tail]!.name} ${objects[head]!.name}`);
      const calls = [...plan.clients.values(), ...plan.services.values()].flatMap((party) => {
        const scopes = 'scopes' in party ? [...party.scopes.values()] : [];
        return [party, ...scopes].flatMap(({ calls: own }) =>
          own.map(({ callee }) => `${party.name} ${callee}`),
        );
      });
      expect(drawn).to.have.members([...new Set(calls)]);
      const names = objects.map((object) => object.name);
      expect(names).to.include.members([...plan.services.keys(), ...plan.clients.keys()]);
    });
  }

  it('draws a line style for each mode', async () => {
    const dot = await drawGraph(zoned, { format: 'dot' });
    const lineOf = (to: string) => dot.split('\n').find((line) => line.includes(`-> "${to}"`));
    expect(lineOf('catalog')).not.to.match(/style|penwidth/);
    expect(lineOf('ads')).to.include('style="dashed"');
    expect(lineOf('cache')).to.include('penwidth=3');
    expect(lineOf('db')).to.include('style="dotted"');
  });

  for (const scopes of [false, true]) {
    it(`reads no text of a graph as DOT or SVG${scopes ? ', scope by scope' : ''}`, async () => {
      const { objects, edges } = await readDot(await drawGraph(zoned, { format: 'dot', scopes }));
      expect(objects.map(({ name }) => name)).to.have.members(
        'cluster0 cluster1 web gateway catalog cache ads db'.split(' '),
      );
      expect(edges).to.have.length(5);
      const svg = await drawGraph(zoned, { format: 'svg', scopes });
      expect(svg).not.to.match(/<script|<b>/);
      expect(textsOf(svg)).to.include(HOSTILE);
      expect(textsOf(svg)[0]).to.include('<script>alert("1")</script>');
    });

    it(`writes nothing into Mermaid but letters, digits and entities${scopes ? ', scope by scope' : ''}`, async () => {
      const [, , , ...lines] = (await drawGraph(zoned, { format: 'mermaid', scopes })).trimEnd().split('\n');
      const text = String.raw`"(?:[\p{L}\p{N} ,.:/()_-]|#\d+;|<br/>|</?b>)*"`;
      const known = new RegExp(
        String.raw`^ *(?:flowchart LR|end|[nz]\d+(?:r\d+)?(?:\(\[${text}\]\)|\[${text}\](?::::outside)?)|subgraph \w+\[${text}\]|n\w+ (?:-->|==>|-\.->)(?:\|${text}\|)? n\w+|linkStyle \d+ [\w: -]+|classDef [\w:, -]+)$`,
        'u',
      );
      expect(lines).to.not.be.empty;
      for (const line of lines) expect(line).to.match(known);
    });
  }

  for (const format of PICTURE_FORMATS) {
    it(`writes the same ${format} every time`, async () => {
      expect(await drawGraph(zoned, { format })).to.equal(await drawGraph(zoned, { format }));
    });
  }

  it('draws callers and callees within a number of calls', async () => {
    const plan = shipped('otel-demo');
    const around = async (depth: number) => {
      const { objects } = await readDot(
        await drawGraph(plan, { format: 'dot', around: 'recommendation', depth }),
      );
      return objects.map(({ name }) => name);
    };
    expect(await around(0)).to.deep.equal(['recommendation']);
    expect(await around(1)).to.have.members(['frontend', 'recommendation', 'product-catalog', 'flagd']);
    expect(await around(2)).to.have.members(
      'frontend recommendation product-catalog flagd frontend-proxy mcp astronomy-db'.split(' '),
    );
  });

  const usage = async (drawing: Promise<string>): Promise<string> =>
    drawing.then(
      () => expect.fail('it was drawn'),
      (error: unknown) => {
        if (!isWaybillError(error, 'usage')) throw error;
        return error.message;
      },
    );

  it('refuses an unknown name and a picture that is too large', async () => {
    expect(await usage(drawGraph(boutique, { format: 'svg', around: 'cartservise' }))).to.include(
      'Did you mean cartservice?',
    );
    const names = Array.from({ length: 600 }, (_, at) => `s${at}`);
    const large = planOf(`
waybill: 1
name: large
issuer: { url: 'https://tokens.example', limits: { tokens: 1000 } }
defaults: { headers: { profile: envoy } }
clients:
  web: { auth: { method: client_secret_basic, secret_env: W }, calls: { ${names.map((name) => `${name}: [x]`).join(', ')} } }
services: { ${names.map((name) => `${name}: { scopes: { x: {} } }`).join(', ')} }
`);
    for (const format of ['svg', 'mermaid'] as const)
      expect(await usage(drawGraph(large, { format })))
        .to.include('601 boxes and 600 arrows')
        .and.include('--around');
    expect(await drawGraph(large, { format: 'svg', around: 's7' })).to.include('>s7<');
    expect((await readDot(await drawGraph(large, { format: 'dot' }))).edges).to.have.length(600);
  });

  it('has text with enough contrast', () => {
    for (const ground of ['light', 'dark'] as const) {
      for (const text of ['ink', 'muted', 'scopes', 'claims', 'fits', 'tight', 'over'] as const) {
        for (const below of ['ground', 'zone', 'box', 'client'] as const)
          expect(
            contrast(palette[text][ground], palette[below][ground]),
            `${text} on ${below}`,
          ).to.be.at.least(4.5);
      }
    }
  });
});

/** WCAG 2.2, relative luminance. */
function contrast(one: string, other: string): number {
  const luminance = (colour: string): number =>
    [1, 3, 5]
      .map((at) => parseInt(colour.slice(at, at + 2), 16) / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
      .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at]!, 0);
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}
