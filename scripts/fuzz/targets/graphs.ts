/** Graphs, from their text to the plans of requests. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

import type { Compiled } from '../../../src/planning/compile.ts';
import { explanations, type ClientPlan, type Plan } from '../../../src/graph/index.ts';
import { planRequest } from '../../../src/planning/request-plan.ts';
import { refusal, Secrets } from '../judge.ts';
import { editDocument } from '../mutate/document.ts';
import { ACCEPTED, Broken, type OpenTarget, type Outcome, type Target } from '../target.ts';
import { scratchGraph } from '../world/scratch-graph.ts';

export const graphs: Target = { name: 'graphs', reads: 'graphs: findings, plans, plans of requests', open };

const ROOT = path.resolve(import.meta.dirname, '../../..');
/** Findings point into the text, so there are at most as many as its bytes; readers also have a bound. */
const MAX_FINDINGS = 10_000;

async function open(): Promise<OpenTarget> {
  const seeds = [
    ...yamlIn('graphs'),
    ...yamlIn('graphs/demo'),
    ...yamlIn('graphs/tutorial'),
    ...yamlIn('test/fixtures'),
  ];
  const scratch = scratchGraph();
  return {
    input(dice) {
      let text = dice.pick(seeds);
      for (let edits = dice.below(4); edits > 0; edits -= 1) text = editDocument(text, seeds, dice);
      return Buffer.from(text);
    },
    run: async (input) => judge(scratch.compile(input), input.length),
    close: async () => scratch.close(),
  };
}

function yamlIn(folder: string): string[] {
  const names = readdirSync(path.join(ROOT, folder)).filter((name) => name.endsWith('.yaml'));
  return names.map((name) => readFileSync(path.join(ROOT, folder, name), 'utf8'));
}

/** Each finding is explained and has a position; every scope of a graph without errors can be requested. */
function judge({ plan, findings }: Compiled, bytes: number): Outcome {
  if (findings.length > Math.min(MAX_FINDINGS, 20 + bytes))
    throw new Broken('bounded work', 'a graph has more findings than bytes');
  for (const { code, line, column, message } of findings) {
    if (!Object.hasOwn(explanations, code) || message === '')
      throw new Broken(
        'every error has a code',
        'a finding has a code that is not explained, or says nothing',
      );
    if (!(line >= 1 && column >= 1))
      throw new Broken('every error has a code', `a finding ${code} has no place`);
  }
  const error = findings.find(({ severity }) => severity === 'error');
  if (plan === undefined) {
    if (error) return { kind: 'finding', code: error.code };
    throw new Broken('every error has a code', 'a graph is refused without an error');
  }
  if (error) throw new Broken('plain path', 'a graph with an error is compiled');
  for (const client of plan.clients.values()) planEntries(plan, client);
  return ACCEPTED;
}

/** The default request of a client, and each scope of its calls. */
function planEntries(plan: Plan, { name: client, calls }: ClientPlan): void {
  const asked = calls.flatMap(({ service, scopes }) =>
    scopes
      .slice(0, 4)
      .map(({ name }) => ({ scopes: [name], resources: service === undefined ? [] : [service.audience] })),
  );
  for (const request of [{ scopes: [], resources: [] }, ...asked.slice(0, 12)]) {
    try {
      planRequest(plan, client, request);
    } catch (error) {
      const outcome = refusal(error, new Secrets());
      // Without default scopes, or with one name at two entries, a request has to say more.
      const isOfRequest =
        outcome.kind === 'refused' && ['invalid_scope', 'invalid_target'].includes(outcome.code);
      if (!isOfRequest || request.scopes.length > 0)
        throw new Broken('plain path', 'a scope of a graph without errors cannot be planned');
    }
  }
}
