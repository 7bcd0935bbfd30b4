/**
 * `npm run picture`: draws `docs/pictures/sizes.svg`, the bytes at the first hop of every request that a graph of
 * `graphs/` allows, and of a chain of ten services, against the number of tokens and against the levels of the tree.
 * Every tree is really issued, in each form.
 */
import * as Plot from '@observablehq/plot';
import { randomBytes } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CompactEncrypt } from 'jose';
import { DOMParser } from 'linkedom';
import { compileGraph, type Compiled } from '../../src/planning/compile.ts';
import { isWaybillError } from '../../src/errors.ts';
import type { Plan } from '../../src/graph/index.ts';
import { pack, type SigningAlgorithm } from '../../src/token/index.ts';
import { compiledChain } from './chain.ts';
import { issuedTree, newKeys, type Asked } from './issuing.ts';

const FORMS = ['nested, RS256', 'nested, ES256', 'JWE with DEFLATE', 'packed', 'signatures alone'] as const;
const COLOURS = ['#9c6b4e', '#d1495b', '#edae49', '#00798c', '#8d99ae'];
const SIGNATURE_FLOOR = (64 * 4) / 3;
/** What nginx, Tomcat, Jetty and Netty take as they come. */
const COMMON_LIMIT = 8 * 1024;

const TICKS = [200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 40_000];

interface Dot {
  readonly form: (typeof FORMS)[number];
  readonly tokens: number;
  readonly levels: number;
  readonly bytes: number;
}

/** Each different tree of a graph once. */
function requestsOf({ trees }: Compiled): { asked: Asked; tokens: number; levels: number }[] {
  return trees
    .filter(({ what, shape }) => what !== 'exchange' && shape.tokens > 1)
    .map(({ client, shape: { service, scopes, tokens, depth } }) => ({
      asked: {
        client: client.name,
        scopes: scopes.map(({ name }) => name),
        resources: [service.audience],
      },
      tokens,
      levels: depth,
    }));
}

async function dotsOf(compiled: Compiled): Promise<Dot[]> {
  const { plan } = compiled;
  if (!plan) throw new Error('a graph has errors');
  const rings = { ES256: await newKeys('ES256'), RS256: await newKeys('RS256') };
  const issued = async (alg: keyof typeof rings, asked: Asked) =>
    issuedTree(signingWith(plan, alg), asked, rings[alg]);
  const dots: Dot[] = [];
  for (const { asked, tokens, levels } of requestsOf(compiled)) {
    const nested = await issued('ES256', asked);
    const forms: [Dot['form'], number | undefined][] = [
      ['nested, RS256', await sizeUnlessRefused(issued('RS256', asked))],
      ['nested, ES256', nested.length],
      ['JWE with DEFLATE', (await deflated(nested)).length],
      ['packed', pack(nested).length],
      ['signatures alone', Math.ceil(tokens * SIGNATURE_FLOOR)],
    ];
    for (const [form, bytes] of forms) if (bytes !== undefined) dots.push({ form, tokens, levels, bytes });
  }
  return dots;
}

function signingWith(plan: Plan, signing: SigningAlgorithm): Plan {
  return { ...plan, issuer: { ...plan.issuer, signing } };
}

/** With RSA some trees are larger than their own graph allows. */
async function sizeUnlessRefused(issuing: Promise<string>): Promise<number | undefined> {
  try {
    return (await issuing).length;
  } catch (error) {
    if (isWaybillError(error, 'invalid_scope')) return undefined;
    throw error;
  }
}

/** What others do about the size: the whole tree compressed, inside an encrypted token (RFC 7516 section 4.1.3). */
async function deflated(nested: string): Promise<string> {
  return new CompactEncrypt(new TextEncoder().encode(nested))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', zip: 'DEF', cty: 'JWT' })
    .encrypt(randomBytes(32));
}

/** Its types are those of a browser's page, which this project has no other use for. */
const plot = Plot.plot as unknown as (options: object) => {
  setAttribute(name: string, value: string): void;
  readonly outerHTML: string;
};

function draw(dots: readonly Dot[]): string {
  const rows = dots.flatMap((dot) => [
    { ...dot, panel: 'tokens in the tree', x: dot.tokens },
    { ...dot, panel: 'levels of the tree', x: dot.levels },
  ]);
  const svg = plot({
    document: new DOMParser().parseFromString('<html></html>', 'text/html') as unknown,
    width: 900,
    height: 420,
    marginLeft: 60,
    marginRight: 20,
    style: { background: 'white', fontSize: '12px', fontFamily: 'system-ui, sans-serif' },
    fx: { label: null, domain: ['tokens in the tree', 'levels of the tree'] },
    x: { label: null, grid: true, nice: true },
    y: {
      type: 'log',
      label: 'bytes at the first hop',
      grid: true,
      ticks: TICKS,
      tickFormat: (bytes: number) => bytes.toLocaleString('en'),
    },
    color: { domain: [...FORMS], range: COLOURS },
    facet: { data: rows, x: 'panel' },
    marks: [
      Plot.ruleY([COMMON_LIMIT], { stroke: '#222', strokeDasharray: '4 3' }),
      Plot.text([{ panel: 'levels of the tree' }], {
        fx: 'panel',
        frameAnchor: 'right',
        y: () => COMMON_LIMIT,
        dy: -8,
        text: () => '8 KiB: nginx, Tomcat, Jetty, Netty',
      }),
      Plot.dot(rows, { x: 'x', y: 'bytes', fill: 'form', r: 3.5, fillOpacity: 0.85 }),
      ...FORMS.map((form, at) =>
        Plot.text([{ panel: 'levels of the tree' }], {
          fx: 'panel',
          frameAnchor: 'bottom-right',
          dx: -12,
          dy: (at - FORMS.length) * 22,
          text: () => `● ${form}`,
          fill: COLOURS[at] ?? 'black',
          fontWeight: 'bold',
        }),
      ),
    ],
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${svg.outerHTML}\n`;
}

const folder = path.join(import.meta.dirname, '../../graphs');
const files = readdirSync(folder).filter((file) => /(?<!\.test)\.yaml$/.test(file));
const graphs = [...files.map((file) => compileGraph([path.join(folder, file)])), compiledChain()];
const dots: Dot[] = [];
for (const graph of graphs) dots.push(...(await dotsOf(graph)));
const target = path.join(import.meta.dirname, '../../docs/pictures/sizes.svg');
writeFileSync(target, draw(dots));
process.stdout.write(`${path.relative(process.cwd(), target)}: ${dots.length} dots\n`);
