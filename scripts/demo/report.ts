/** What the demo prints of a run that went well. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { CallView, Plan } from 'waybill';
import { callerName, type ExpectedHop } from './hops.ts';
import type { RunningIssuer } from './issuer.ts';
import { shortName } from './operations.ts';
import { CLIENT, ORDER, SCOPE, type Order } from './order.ts';
import { GRAPH, ROOT, WAYBILL, owned } from './processes.ts';
import type { Hop, Shop } from './shop.ts';
import { DemoFailed, colourChoice, count, paint, say, table } from './terminal.ts';

export function heading(title: string): void {
  say('', paint.bold(title), '');
}

export function showServers(issuer: RunningIssuer, { addresses }: Shop): void {
  const services = Object.entries(addresses);
  heading(`An issuer and the ${services.length} services of Online Boutique, each a process of its own`);
  const rows = [
    ['  issuer', issuer.url, paint.dim(`waybill serve ${GRAPH}, behind a counter of requests`)],
    ...services.map(([name, address]) => [`  ${name}`, address, '']),
  ];
  say(...table(rows));
}

/** Drawn by the program itself, as anyone could look at the token. */
export async function showToken(token: string, issuer: string): Promise<void> {
  heading(`${CLIENT} asks the issuer for the scope ${SCOPE}; what it gets, by waybill token inspect`);
  const inspect = owned(
    spawn(process.execPath, [WAYBILL, 'token', 'inspect', '--issuer', issuer], {
      cwd: ROOT,
      env: { ...process.env, ...colourChoice },
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  );
  inspect.stdin.end(token);
  const [output, ended] = await Promise.all([text(inspect.stdout), once(inspect, 'exit')]);
  const [status] = ended as [number | null];
  if (status !== 0) throw new DemoFailed(`waybill token inspect ended with ${status}:\n${output}`);
  say(output.trimEnd());
}

/** @param root what the graph plans for this request: the budget of each hop. */
export function showHops(
  { hops, requests }: Order,
  expected: readonly ExpectedHop[],
  plan: Plan,
  root: CallView,
): void {
  heading(`${CLIENT} sends it with ${ORDER.operation}; what reached the services, in this order`);
  const budgets = budgetsOf(root, CLIENT);
  const rows = hops.map((hop, index) => {
    const caller = callerName(hop.caller, plan);
    const way = `${caller} → ${paint.bold(hop.service)}  ${shortName(hop.operation)}`;
    return [
      `  ${'  '.repeat(expected[index]?.depth ?? 0)}${way}`,
      paint.cyan(hop.scopes.join(' ')),
      `${hop.lineBytes.toLocaleString('en')} B`,
      ...share(hop, budgets.get(`${caller} ${hop.service}`)),
    ];
  });
  say(...table(rows, [2, 3]), '', ...summary(hops, requests));
}

function summary(hops: readonly Hop[], requests: readonly string[]): string[] {
  const tokens = new Set(hops.map(({ jti }) => jti)).size;
  const services = new Set(hops.map(({ service }) => service)).size;
  const largest = Math.max(...hops.map(({ lineBytes }) => lineBytes));
  return [
    `${count(hops.length, 'hop')} with ${count(tokens, 'token')}, one for each callee of each caller; the largest header line has ${largest.toLocaleString('en')} bytes.`,
    `To the issuer: POST /token once, before the first hop; ${requests.length - 1} more for its keys, by ${services} services that had none yet.`,
    paint.dim(
      'Who calls is what the token says (act.sub). Bytes are of the Authorization line as it came in;',
    ),
    paint.dim("the percentage is the token's, of the room that the graph finds for it on that hop."),
  ];
}

function share({ tokenBytes }: Hop, budget: CallView['budget']): [string, string] {
  if (!budget?.limit) return ['', paint.dim('no limit known')];
  const percent = Math.max(1, Math.round((100 * tokenBytes) / budget.limit));
  return [`${percent} %`, paint.dim(`of ${budget.limit.toLocaleString('en')} (${budget.profile})`)];
}

/** By caller and callee. */
function budgetsOf(view: CallView, caller: string): Map<string, CallView['budget']> {
  const below = view.calls.flatMap((call) => [...budgetsOf(call, view.service)]);
  return new Map([[`${caller} ${view.service}`, view.budget], ...below]);
}

export function showSecondOrder({ hops, requests }: Order): void {
  const asked = requests.join(', ');
  say(
    '',
    `Another order: ${count(hops.length, 'hop')} again, and one request to the issuer, ${asked}, before the first of them.`,
  );
}
