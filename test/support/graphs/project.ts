/** Every graph of the project, compiled: what is exported must be accepted for each of them. */
import { readdirSync } from 'node:fs';
import path from 'node:path';

import type { Plan } from '../../../src/graph/index.ts';
import { compileGraph } from '../../../src/planning/compile.ts';
import { shippedGraphs } from './shipped.ts';
import { DAY } from './systems.ts';

const GRAPHS = path.resolve(import.meta.dirname, '../../../graphs');

export interface ProjectGraph {
  readonly title: string;
  /** @throws Error where it has errors. */
  readonly plan: () => Plan;
}

const variables = new Map([['domain', 'paycorp.example']]);

export const projectGraphs: readonly ProjectGraph[] = [
  ...shippedGraphs().map((name) => graph(name)),
  graph('demo'),
  ...readdirSync(path.join(GRAPHS, 'tutorial')).map((name) => graph(`tutorial/${name}`)),
  graph('systems/payments', ['systems/payments'], variables),
  graph('systems/kubernetes-shop'),
  graph('systems/boutique-context', [
    'online-boutique.yaml',
    'systems/boutique-context',
    'systems/boutique-context/context.overlay.yaml',
  ]),
];

function graph(title: string, paths = [title], values = new Map<string, string>()): ProjectGraph {
  return {
    title,
    plan() {
      const files = paths.map((name) => path.join(GRAPHS, name));
      const { plan, findings } = compileGraph(files, { variables: values, clock: () => DAY });
      if (plan) return plan;
      throw new Error(findings.map(({ message }) => message).join('\n'));
    },
  };
}
