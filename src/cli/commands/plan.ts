/** `waybill plan PATH --client C`: what a request would issue, with the size of every token and its header budget. */
import { Option, type Command } from 'commander';
import { systemClock } from '../../clock.ts';
import { usageError } from '../../errors.ts';
import { dryRun } from '../../issuer/index.ts';
import { termTexts, type Plan } from '../../graph/index.ts';
import {
  adviseRequest,
  everyHopFits,
  everyRequest,
  analyzeAccess,
  planRequest,
  withheldText,
  type CallView,
  type Compiled,
  type OverflowView,
  type RequestPlan,
  type WithheldCall,
} from '../../planning/index.ts';
import {
  compileArguments,
  requirePlan,
  withDatedGraphOptions,
  type GraphArguments,
} from '../arguments/graph-arguments.ts';
import { factsOf, withFactOptions, type FactArguments } from '../arguments/fact-arguments.ts';
import { renderFit } from '../output/fit-tables.ts';
import { renderAccess } from '../output/access-tables.ts';
import { renderRequests } from '../output/request-table.ts';
import { requestOf, withRequestOptions, type RequestArguments } from '../arguments/request-arguments.ts';
import { selectorLine } from '../output/selector-text.ts';
import { shortDigest } from '../output/digest.ts';
import { paint, plain, plural, print, printError, printJson } from '../output/terminal.ts';
import { renderTree, type Drawn } from '../output/tree.ts';

interface PlanOptions extends GraphArguments, RequestArguments, FactArguments {
  readonly client?: string;
  readonly all?: boolean;
  readonly json?: boolean;
  readonly fit?: boolean;
  readonly holders?: boolean;
}

/** What is known of one request: `--all`, `--fit` and `--holders` are about every request. */
const FACTS = ['subject', 'auth', 'request'];

export function addPlan(program: Command): void {
  withDatedGraphOptions(
    withFactOptions(
      withRequestOptions(
        program
          .command('plan')
          .summary('show what a request would issue, and how large each token is')
          .description(
            'Shows the token tree of a request, with worst-case sizes. Exit 1: a token exceeds its header budget, or the request would be refused.',
          )
          .argument('<path...>', 'graph files, or folders of them; together one graph')
          .option('--client <name>', 'the client that asks; required without --all'),
      ),
    )
      .addOption(
        new Option(
          '--all',
          'plan each single scope of all clients, or of --client, and show its tightest call',
        ).conflicts(['scope', 'fit', 'holders', ...FACTS]),
      )
      .addOption(
        new Option(
          '--fit',
          'show which servers accept the tree, nested and packed, and what would make it smaller; exit 0',
        ).conflicts(FACTS),
      )
      .addOption(
        new Option(
          '--holders',
          'show who can read and who can use each token, and who can read each claim; exit 0',
        ).conflicts(['fit', ...FACTS]),
      )
      .option('--json', 'print the same as JSON'),
  ).action((paths: string[], options: PlanOptions) => {
    const compiled = compileArguments(paths, options);
    const plan = requirePlan(compiled, 'draft');
    if (options.all) planAll(plan, options);
    else if (options.client === undefined)
      throw usageError('Name the client that asks with --client, or use --all for all requests.');
    else planOne(plan, compiled, options.client, options);
  });
}

function planAll(plan: Plan, { client, json }: PlanOptions): void {
  const rows = everyRequest(plan, client);
  show(rows, renderRequests, json);
  if (rows.some(({ fits, refused }) => fits === false || refused !== undefined)) process.exitCode = 1;
}

function planOne(plan: Plan, compiled: Compiled, client: string, options: PlanOptions): void {
  const request = { ...requestOf(options), ...knownOf(plan, client, options) };
  if (options.fit) return show(adviseRequest(plan, client, request), renderFit, options.json);
  if (options.holders) return show(analyzeAccess(plan, client, request), renderAccess, options.json);
  const planned = planRequest(plan, client, request);
  show(planned, (each) => report(plan, each, 'facts' in request), options.json);
  const over = overLimits(plan, planned);
  for (const limit of over)
    printError(`${paint.red('error')}  The issuer would refuse this request: ${limit}`);
  const holds = compiled.plan !== undefined && over.length === 0 && everyHopFits(planned.root);
  process.exitCode = holds ? 0 : 1;
}

/** What is known of the request. @throws WaybillError as the issuer refuses it */
function knownOf(plan: Plan, name: string, options: PlanOptions) {
  const client = plan.clients.get(name); // `planRequest` says that it is unknown
  if (!client) return {};
  const known = factsOf(plan, client, options, systemClock());
  const { facts } = known;
  if (facts)
    dryRun(
      plan,
      client,
      { ...requestOf(options), ...known },
      facts.subject && { ...facts.subject, sub: 'user' },
    );
  return known;
}

function show<View>(view: View, render: (view: View) => string, json = false): void {
  if (json) printJson(view);
  else print(render(view));
}

function overLimits({ issuer: { limits } }: Plan, { tokens, depth, root }: RequestPlan): string[] {
  const bytes = root.bytes?.nested ?? 0;
  return [
    tokens > limits.tokens ? `${plural(tokens, 'token')}; \`issuer.limits.tokens\` is ${limits.tokens}.` : '',
    depth > limits.depth ? `${plural(depth, 'level')}; \`issuer.limits.depth\` is ${limits.depth}.` : '',
    bytes > limits.nested ? `${plural(bytes, 'byte')}; \`issuer.limits.nested\` is ${limits.nested}.` : '',
  ].filter((text) => text !== '');
}

/** @param isKnown whether it is one request, with its own values. */
function report(plan: Plan, planned: RequestPlan, isKnown: boolean): string {
  const { signing } = plan.issuer;
  const lifetime = plan.clients.get(planned.client)?.lifetime ?? plan.issuer.lifetime;
  const heading = `${paint.bold(planned.client)} asks for ${paint.bold(planned.scope)}: ${plural(planned.tokens, 'token')}, ${plural(planned.depth, 'level')}, ${signing}, ${lifetime} s`;
  const selectors = selectorsIn(plan, planned.root);
  const parts = [heading, renderTree(drawn(planned.root)), ...selectors, legend(plan, planned, isKnown)];
  if (planned.overflow) parts.splice(1, 0, overflowNote(planned.overflow));
  for (const call of planned.withheld ?? [])
    parts.splice(1, 0, `Not granted: ${paint.dim(plain(withheldText(call)))}`);
  return parts.join('\n\n');
}

/** Whom the selectors on scopes of the tree stand for. */
function selectorsIn({ selectors }: Plan, root: CallView): string[] {
  const here = selectors.filter(({ party, scope }) =>
    anyCall(root, (view) => view.service === party && scope !== undefined && view.scope.includes(scope)),
  );
  return here.length === 0 ? [] : [here.map(selectorLine).join('\n')];
}

function overflowNote({ because, moved, round_trips: { before, after }, gap }: OverflowView): string {
  const { hop, bytes, coding, limit, profile } = because;
  const fewest = gap === 0 ? 'no choice needs fewer' : `no choice needs fewer than ${trips(after - gap)}`;
  // Packed tokens share text, so the planner counts an upper bound for each.
  const best = coding === 'packed' ? `${fewest} if every token has its upper-bound size` : fewest;
  return [
    `As declared, the token for ${hop} has ${bytes.toLocaleString('en')} bytes${coding === 'bare' ? '' : ` ${coding}`}, but the limit is ${limit.toLocaleString('en')} (${profile}). So these are fetched when needed:`,
    ...moved.map(
      ({ caller, callee, scope, probability }) =>
        `  ${paint.bold(`${caller} -> ${callee}`)}  ${paint.cyan(scope)}  ${paint.dim(`in ${percentOf(probability)} of the caller's runs`)}`,
    ),
    `Round trips for tokens per request: ${trips(before)} as declared, ${trips(after)} now; ${best}.`,
  ].join('\n');
}

function trips(count: number): string {
  return String(Number(count.toFixed(2)));
}

function percentOf(probability: number): string {
  return `${Number((probability * 100).toPrecision(2))} %`;
}

function drawn(view: CallView): Drawn {
  const claims = view.claims.length === 0 ? '' : `  ${paint.magenta(`{${view.claims.join(' ')}}`)}`;
  const often = view.probability < 1 ? `  ${paint.dim(percentOf(view.probability))}` : '';
  const label = `${paint.bold(view.service)}  ${scopes(view)}${claims}${often}`;
  const terms = termTexts(view, view.scope.length).map((text) => `  ${paint.dim(plain(`(${text})`))}`);
  return {
    label: [label, ...terms].join(''),
    columns: weight(view),
    children: [...view.calls.map(drawn), ...(view.withheld ?? []).map(drawnWithheld)],
  };
}

/** Scopes that the request does not get, and why. */
function drawnWithheld(call: WithheldCall): Drawn {
  const label = paint.dim(`${call.service}  ${call.scope.join(' ')}`);
  return {
    label,
    columns: ['', paint.yellow('not granted'), paint.dim(plain(withheldText(call)))],
    children: [],
  };
}

/** The scopes; if several scopes of the caller were merged, each with the ones that need it. */
function scopes({ scope, origins = [] }: CallView): string {
  if (!isMerged({ origins })) return paint.cyan(scope.join(' '));
  return origins
    .map(({ scope: name, by }) => `${paint.cyan(name)}${paint.dim(`(${by.join(', ')})`)}`)
    .join(' ');
}

/** Whether different scopes of the caller need the scopes. */
function isMerged({ origins = [] }: Pick<CallView, 'origins'>): boolean {
  return new Set(origins.map(({ by }) => by.join())).size > 1;
}

/** The token's bytes as it travels, its header budget, and the share of it in use. */
function weight({ bytes, coding, budget, mode, moved }: CallView): string[] {
  if (!bytes || !budget) {
    const fetched = `fetched when needed${moved ? ', moved' : ''}`;
    const how = mode === 'none' ? 'no token' : mode === 'exchange' ? fetched : 'same token passed on';
    return ['', paint.dim(how), ''];
  }
  const taken = coding === 'packed' ? bytes.packed : bytes.nested;
  const size = `${taken.toLocaleString('en')} B`;
  if (budget.limit === null) return [size, paint.dim('no limit known'), ''];
  const share = taken / Math.max(1, budget.limit);
  const colour = !budget.fits ? paint.red : share > 0.8 ? paint.yellow : paint.green;
  const room = paint.dim(`of ${budget.limit.toLocaleString('en')} (${budget.profile})`);
  return [size, room, `${colour(bar(share))} ${colour(budget.fits ? percent(share) : 'does not fit')}`];
}

function otherEncoding({ encoding, root }: RequestPlan): string[] {
  if (!root.bytes || root.coding === 'bare' || root.coding === 'sealed') return [];
  const { nested, packed } = root.bytes;
  if (encoding === 'packed' && root.coding === 'nested')
    return [`It travels nested, because ${root.service} accepts only JWTs.`];
  if (nested === packed) return [];
  return [
    encoding === 'packed'
      ? `Packed. Nested, the first token would have ${nested.toLocaleString('en')} bytes.`
      : `Nested. With \`encoding: packed\` the first token would have at most ${packed.toLocaleString('en')} bytes.`,
  ];
}

const BAR = 10;

function bar(share: number): string {
  const filled = Math.min(BAR, Math.ceil(share * BAR));
  return '█'.repeat(filled) + '░'.repeat(BAR - filled);
}

function percent(share: number): string {
  return `${Math.max(1, Math.round(share * 100))} %`.padStart(5);
}

function legend(plan: Plan, planned: RequestPlan, isKnown: boolean): string {
  const { root } = planned;
  const sizes = isKnown ? 'Given values have their own size; the rest is worst case' : 'Sizes are worst case';
  const notes = [`${sizes}, against the receiver's header budget.`, ...otherEncoding(planned)];
  if (anyCall(root, (view) => view.claims.length > 0))
    notes.push('In braces: claims; ! means that it must have a value.');
  if (anyCall(root, isMerged))
    notes.push("In parentheses: the caller's scopes that need this scope; * means any.");
  if (anyCall(root, (view) => view.mode === 'exchange'))
    notes.push('Fetched when needed: the caller gets the token from the issuer before the call.');
  if (anyCall(root, ({ sealed }) => sealed === true))
    notes.push(
      'Sealed: encrypted to its service, with the longest key that fits; below it tokens travel nested.',
    );
  notes.push(`The digest of the graph is ${shortDigest(plan)}.`);
  return paint.dim(notes.join('\n'));
}

function anyCall(view: CallView, test: (view: CallView) => boolean): boolean {
  return test(view) || view.calls.some((call) => anyCall(call, test));
}
