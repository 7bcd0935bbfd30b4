/**
 * Part 5: what grows with what. Compiling grows with the graph; issuing with the tree, and not with the graph around it; a
 * request that comes again finds its tree planned.
 *
 * Each graph is compiled in a process of its own. Issuing is `issuer.issue` in this one, as in part 1.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import type { ClientPlan, Issuer, Plan } from 'waybill';
import type { Measured as Compiled } from '../../scale/measure.ts';
import { ROOT, clientOf, compiled, issuerOf, issuerWith } from '../boutique.ts';
import type { Figure, Measured, Part, PartOptions, Ratio } from '../part.ts';
import { awaited, inTurns, type Samples, type Side } from '../rounds.ts';
import { quotients, spreadOf } from '../spread.ts';
import { takeTurns } from '../turns.ts';
import { TREE_CLIENT, writeGraph, writeTrees } from './graphs.ts';

const SERVICES = [100, 1_000, 10_000];
const TREES = [1, 2, 4, 8, 16, 32, 64, 100];
/** What counts as flat. */
const FLAT = 1.1;

interface Request {
  readonly client: ClientPlan;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
}

interface Graph {
  readonly name: string;
  readonly folder: string;
}

export const scale: Part = {
  name: 'scale',
  title: 'What grows with what',
  async run(options) {
    // A short run leaves the large graphs out: to compile one takes seconds.
    const sizes = SERVICES.filter((services) => services <= 50 * options.ms);
    const graphs = sizes.map((services) => ({
      name: services.toLocaleString('en'),
      folder: writeGraph(services, options.folder),
    }));
    const parts = [
      await compiling(graphs, options),
      await treeSizes(options),
      await graphSizes(graphs, options),
    ];
    return {
      ratios: parts.flatMap(({ ratios }) => ratios),
      figures: parts.flatMap(({ figures }) => figures),
      notes: [
        'Compiling: CPU and the largest memory of a process that does nothing else; ten calls for each service.',
        'Issuing: CPU of one tree. New requests are such that the issuer has not seen: it plans the tree first.',
      ],
    };
  },
};

async function compiling(graphs: readonly Graph[], options: PartOptions): Promise<Measured> {
  const results = await takeTurns(graphs, options, async (graph) => compileAlone(graph));
  const figures = [...results].flatMap(([name, runs]): Figure[] => [
    { name: `compile ${name} services: CPU`, unit: 's', ...spreadOf(runs.map((run) => run.cpuSeconds)) },
    {
      name: `compile ${name} services: memory`,
      unit: 'MiB',
      ...spreadOf(runs.map((run) => run.peakBytes / 2 ** 20)),
    },
  ]);
  return { ratios: [], figures, notes: [] };
}

/** @throws TypeError where anything is found in the graph. */
function compileAlone({ name, folder }: Graph): Compiled {
  const script = path.join(ROOT, 'scripts/scale/measure.ts');
  const { status, stdout } = spawnSync(process.execPath, ['--import=tsx', script, folder, 'compile'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new TypeError(`compiling ${name} services ended with ${status}`);
  const result = JSON.parse(stdout) as Compiled;
  if (result.findings.length > 0) throw new TypeError(result.findings.join('\n'));
  return result;
}

async function treeSizes(options: PartOptions): Promise<Measured> {
  const plan = compiled([writeTrees(TREES, options.folder)]);
  const { issuer } = await issuerOf(plan);
  const client = clientOf(plan, TREE_CLIENT);
  const names = new Map(TREES.map((size) => [size, `issue ${size} ${size === 1 ? 'token' : 'tokens'}`]));
  const sides = client.calls.map(({ service }, at) => {
    const request = { client, scopes: ['all'], resources: [service?.audience ?? ''] };
    return awaited(names.get(TREES[at] ?? 0) ?? '', () => issued(issuer, request, TREES[at]));
  });
  const samples = await inTurns(sides, options);
  const of = (size: number): readonly number[] => samples.get(names.get(size) ?? '') ?? [];
  return {
    ratios: [16, 100].map((size) => ({
      name: `issue ${size} tokens / ${size} times one token`,
      ...quotients(of(size), of(1), size),
    })),
    figures: figuresOf(samples),
    notes: [],
  };
}

async function graphSizes(graphs: readonly Graph[], options: PartOptions): Promise<Measured> {
  const sides: Side[] = [];
  const [known, unseen] = ['16 tokens of ', 'a new request in '];
  for (const { name, folder } of graphs) {
    options.tell(`compiling ${name} services`);
    const plan = compiled([folder]);
    const requests = differentRequests(plan);
    const [first] = requests;
    if (!first) throw new TypeError('the graph has no client with an entry');
    const { issuer, key } = await issuerOf(plan);
    sides.push(
      awaited(`${known}${name} services`, () => issued(issuer, first, 16)),
      newRequests(`${unseen}${name} services`, requests, () => issuerWith(key, plan)),
    );
  }
  const samples = await inTurns(sides, options);
  const of = (side: string): readonly number[] => samples.get(side) ?? [];
  const ratio = (name: string, these: string, those: string, atMost?: number): Ratio => ({
    name,
    ...(atMost !== undefined && { target: { atMost } }),
    ...quotients(of(these), of(those)),
  });
  const [smallest = '', ...larger] = graphs.map(({ name }) => name);
  return {
    ratios: [
      ...larger.map((name) =>
        ratio(
          `issue 16 tokens in a graph of ${name} / ${smallest} services`,
          `${known}${name} services`,
          `${known}${smallest} services`,
          FLAT,
        ),
      ),
      ...graphs.map(({ name }) =>
        ratio(
          `a new request / one that came before, ${name} services`,
          `${unseen}${name} services`,
          `${known}${name} services`,
        ),
      ),
    ],
    figures: figuresOf(samples),
    notes: [],
  };
}

/** Of every client at every entry, each with two sets of scopes: 16 tokens, all of them. */
function differentRequests(plan: Plan): Request[] {
  return [...plan.clients.values()].flatMap((client) =>
    client.calls.flatMap(({ service }) =>
      [['read'], ['read', 'write']].map((scopes) => ({
        client,
        scopes,
        resources: [service?.audience ?? ''],
      })),
    ),
  );
}

/** Requests of a batch that its issuer has not seen. */
const UNSEEN = 50;

/** Each batch has its own issuer, made beforehand, and sends each request once. */
function newRequests(name: string, requests: readonly Request[], fresh: () => Issuer): Side {
  return {
    name,
    inputs: Math.min(UNSEEN, requests.length),
    batch(count) {
      const issuer = fresh();
      return async () => {
        for (const request of requests.slice(0, count)) await issued(issuer, request, 16);
      };
    },
  };
}

/** @throws TypeError where the tree is another one than is to be measured. */
async function issued(issuer: Issuer, { client, scopes, resources }: Request, tokens = 0): Promise<void> {
  const tree = await issuer.issue(client, { scopes, resources });
  if (tree.tokens !== tokens) throw new TypeError(`${tree.tokens} tokens were issued, not ${tokens}`);
}

function figuresOf(samples: Samples): Figure[] {
  return [...samples].map(([name, values]) => ({ name, unit: 'µs', ...spreadOf(values) }));
}
