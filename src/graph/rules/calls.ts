/** Modes of calls: which may stand where, and that the scopes of one service agree (rules 4, 7 and 9). */
import type { CallDeclaration, GraphDeclaration, ServiceDeclaration } from '../declare/declaration.ts';
import { causeOfParties } from '../causes.ts';
import type { Findings } from '../finding.ts';
import { pointerTo } from '../misread.ts';
import { causeOfLeaks } from './leaks.ts';
import { isSealed } from '../declare/encryption.ts';

export function checkCalls(graph: GraphDeclaration, findings: Findings): void {
  for (const client of graph.clients.values()) {
    for (const call of client.calls) {
      if (call.mode === 'exchange' || call.mode === 'forward') {
        findings.add(
          'client-call-mode',
          call.modeAt,
          `${client.name} is a client: its own token is what it sends; \`mode: ${call.mode}\` is for services.`,
          'Take the mode out.',
          [],
          causeOfParties(
            call.mode,
            client.name,
            (names) =>
              `${names} are clients: their own token is what they send; \`mode: ${call.mode}\` is for services.`,
          ),
        );
      }
    }
  }
  for (const service of graph.services.values()) checkService(service, graph, findings);
}

function checkService(service: ServiceDeclaration, graph: GraphDeclaration, findings: Findings): void {
  const first = new Map<string, CallDeclaration>();
  const callers = [{ name: 'every scope', calls: service.calls }, ...service.scopes.values()];
  for (const { calls } of callers) {
    for (const call of calls) {
      const earlier = first.get(call.callee.value);
      const how = howOf(call, graph);
      const before = earlier && howOf(earlier, graph);
      if (!earlier || !before) first.set(call.callee.value, call);
      else if (before.mode !== how.mode || before.seal !== how.seal) {
        const { line } = earlier.source.locate(earlier.offset);
        const key = before.mode === how.mode ? 'seal' : 'mode';
        const scope = callers.find((each) => each.calls.includes(earlier))?.name;
        findings.add(
          'conflicting-calls',
          call.modeAt,
          `${service.name} calls ${call.callee.value} with \`${key}: ${how[key]}\` here and \`${key}: ${before[key]}\` for ${scope} (line ${line}).`,
          `A request for both scopes needs one token: give the calls one \`${key}\`.`,
        );
      }
      if (call.mode === 'exchange' && !service.auth) {
        findings.add(
          'exchange-without-auth',
          call.modeAt,
          `${service.name} fetches ${call.callee.value}'s token when it needs it, and cannot authenticate.`,
          `Give ${service.name} an \`auth\`.`,
          [pointerTo('services', service.name, 'auth')],
          causeOfParties(
            service.name,
            call.callee.value,
            (names) =>
              `${service.name} fetches the tokens of ${names} when it needs them, and cannot authenticate.`,
          ),
        );
      }
      if (call.mode === 'forward') checkForward(service, call, graph, findings);
    }
  }
}

/** What all calls of one service to one callee must agree on: they have one token. */
function howOf(
  call: CallDeclaration,
  { services }: GraphDeclaration,
): Pick<CallDeclaration, 'mode'> & { seal: boolean } {
  return { mode: call.mode, seal: isSealed(call, services.get(call.callee.value)) };
}

/** Rule 7, what can be said of one call alone; what merged scopes bring is judged on the trees. */
function checkForward(
  caller: ServiceDeclaration,
  call: CallDeclaration,
  graph: GraphDeclaration,
  findings: Findings,
): void {
  const callee = graph.services.get(call.callee.value);
  if (!callee) return;
  const leak = (message: string, hint: string) =>
    findings.add('forward-leaks', call, message, hint, [], causeOfLeaks(caller.name, callee.name, message));
  if (!callee.acceptsForward.some((name) => name.value === caller.name)) {
    leak(
      `${callee.name} does not accept ${caller.name}'s own token.`,
      `Add \`accepts_forward: [${caller.name}]\` to ${callee.name}, or embed.`,
    );
  }
  if (caller.zone?.value !== callee.zone?.value) {
    leak(
      `A forwarded token would leave the zone of ${caller.name} for that of ${callee.name}.`,
      'Embed: the callee then gets a token of its own.',
    );
  }
  for (const { name, audiences } of [caller, callee])
    if (audiences.length > 1)
      leak(
        `${name} has several audiences, and in a forwarded token nobody could tell them from those of others.`,
        'Embed, or give it one audience.',
      );
  if (callee.caller !== 'none') {
    leak(
      `${callee.name} checks who presents a token, and the token of ${caller.name} names its own caller.`,
      'Embed: the callee then gets a token that names the service which presents it.',
    );
  }
  const shared = [...callee.scopes.keys()].filter((name) => caller.scopes.has(name));
  if (shared.length > 0) {
    leak(
      `${caller.name} and ${callee.name} both define ${shared.join(', ')}: in one token nobody could tell whose it is.`,
      'Rename the scope, or embed.',
    );
  }
  for (const name of call.scopes) {
    const scope = callee.scopes.get(name.value);
    const called = scope && [...callee.calls, ...scope.calls].find((further) => further.mode !== 'none');
    if (called) {
      leak(
        `${callee.name}:${name.value} calls ${called.callee.value}, and a forwarded token carries nothing for that.`,
        "Embed: only a callee that calls no one can take its caller's token.",
      );
    }
  }
}
