/** Identity providers, who may exchange their tokens, and which scopes wait for which subjects. */
import type {
  At,
  CallDeclaration,
  ClientDeclaration,
  GraphDeclaration,
  ServiceDeclaration,
  SubjectDeclaration,
} from '../declare/declaration.ts';
import { causeOfParties } from '../causes.ts';
import type { Findings } from '../finding.ts';
import { pointerTo } from '../misread.ts';
import { didYouMean } from '../names.ts';
import { checkKnown, hasUnknownScope } from './names.ts';
import { urlFault } from './url.ts';

export function checkSubjects(graph: GraphDeclaration, findings: Findings): void {
  for (const subject of graph.subjects.values()) {
    for (const url of [subject.issuer, ...(subject.jwksUri ? [subject.jwksUri] : [])]) {
      const fault = urlFault(url.value);
      if (fault)
        findings.add(
          'subject-url',
          url,
          `${subject.name}: ${url.value} ${fault}.`,
          'For example https://login.boutique.example.',
          [pointerTo('subjects', subject.name)],
        );
    }
    if (subject.issuer.value === graph.issuer?.url.value) {
      findings.add(
        'subject-is-issuer',
        subject.issuer,
        `${subject.name} is the issuer of this graph itself.`,
        'A provider says who a user is; name the one that logs users in.',
      );
    }
  }
  checkPrefixes(graph, findings);
  for (const client of graph.clients.values()) {
    for (const name of client.subjects)
      checkKnown('unknown-subject', 'provider', name, graph.subjects, findings);
    checkTold(client, graph, findings);
    const exchanges = client.grants.some((grant) => grant !== 'client_credentials');
    if (exchanges !== client.subjects.length > 0) {
      const hint = exchanges
        ? 'Add `subjects: […]`: whose tokens it may exchange.'
        : 'Add `grants: [token_exchange]`, or take `subjects` out.';
      findings.add(
        'subjects-and-grants',
        client,
        `${client.name} ${exchanges ? 'may exchange tokens, and names no provider of them' : 'names providers, and no grant exchanges their tokens'}.`,
        hint,
        [pointerTo('clients', client.name)],
        causeOfParties(
          hint,
          client.name,
          (names) =>
            `${names} ${exchanges ? 'may exchange tokens, and name no provider of them' : 'name providers, and no grant exchanges their tokens'}.`,
        ),
      );
    }
    for (const call of client.calls) checkConditions(client.name, call, graph, exchanges, findings);
  }
  for (const service of graph.services.values()) {
    checkUnconditional(service, service.calls, findings);
    for (const { calls } of service.scopes.values()) checkUnconditional(service, calls, findings);
  }
}

function checkUnconditional(
  { name }: ServiceDeclaration,
  calls: readonly CallDeclaration[],
  findings: Findings,
): void {
  for (const {
    when: [condition],
  } of calls) {
    if (!condition) continue;
    findings.add(
      'misplaced-when',
      condition.scope,
      `${name} is a service; \`when\` is for the calls of clients.`,
      'What a subject may do is decided where the tree is asked for.',
      [],
      causeOfParties(
        'service',
        name,
        (names) => `${names} are services; \`when\` is for the calls of clients.`,
      ),
    );
  }
}

/** Of two providers of one client, which is meant: issuer, kind and audience say so, or nothing does. */
function checkTold(client: ClientDeclaration, { subjects }: GraphDeclaration, findings: Findings): void {
  const earlier: SubjectDeclaration[] = [];
  for (const name of client.subjects) {
    const subject = subjects.get(name.value);
    if (!subject) continue;
    const other = earlier.find((candidate) => candidate !== subject && cannotBeTold(candidate, subject));
    earlier.push(subject);
    if (!other) continue;
    findings.add(
      'subject-ambiguous',
      name,
      `A token for ${client.name} does not say whether it is of ${other.name} or of ${subject.name}: issuer, audience and kind are the same.`,
      'Name one of them, or give them different `token_types` or audiences.',
      [pointerTo('subjects', other.name), pointerTo('subjects', subject.name)],
      causeOfParties(
        `${other.name} ${subject.name}`,
        client.name,
        (names) =>
          `A token for ${names} does not say whether it is of ${other.name} or of ${subject.name}: issuer, audience and kind are the same.`,
      ),
    );
  }
}

function cannotBeTold(a: SubjectDeclaration, b: SubjectDeclaration): boolean {
  return (
    a.issuer.value === b.issuer.value &&
    a.audience === b.audience &&
    a.tokenTypes.some((kind) => b.tokenTypes.includes(kind))
  );
}

/** Two providers with one prefix, or one that begins with the other, could name two users alike (RFC 9068 section 5). */
function checkPrefixes(graph: GraphDeclaration, findings: Findings): void {
  const earlier: SubjectDeclaration[] = [];
  for (const subject of graph.subjects.values()) {
    const other = earlier.find(({ prefix }) => mayMeet(prefix, subject.prefix));
    earlier.push(subject);
    if (!other && (subject.prefix !== '' || graph.subjects.size === 1)) continue;
    const message = other
      ? `${other.name} and ${subject.name} have the same prefix, or one that begins with the other's.`
      : `${subject.name} has no prefix, and there are other providers.`;
    findings.add(
      'subject-prefix',
      subject,
      message,
      'Leave `prefix` out: the name of the provider stands before its subjects.',
      [],
      other
        ? undefined
        : causeOfParties(
            'none',
            subject.name,
            (names) => `${names} have no prefix, and there are other providers.`,
          ),
    );
  }
}

/** `login` and the subject `eu:1` make what `login:eu` and `1` make. */
function mayMeet(a: string, b: string): boolean {
  if (a === '' || b === '') return a === b; // one without an issuer has a finding of its own
  return `${a}:`.startsWith(`${b}:`) || `${b}:`.startsWith(`${a}:`);
}

function checkConditions(
  client: string,
  call: CallDeclaration,
  graph: GraphDeclaration,
  exchanges: boolean,
  findings: Findings,
): void {
  for (const { scope, claim } of call.when) {
    if (!call.scopes.some(({ value }) => value === scope.value)) {
      if (hasUnknownScope(call, graph)) findings.leaveOut('unknown-scope');
      else reportUnknownCondition(client, call, scope, findings);
    }
    const declared = graph.claims.get(claim.value);
    if (declared && declared.from !== 'subject') {
      findings.add(
        'condition-claim',
        claim,
        `${claim.value} is no claim of a subject: ${declared.from === undefined ? 'its value is fixed' : `the ${declared.from} gives it`}.`,
        'Name a claim of the provider, or one that is `from: subject`.',
        [pointerTo('claims', claim.value)],
      );
    }
    if (!exchanges) {
      findings.add(
        'subjects-and-grants',
        scope,
        `${client} asks for itself alone, and ${scope.value} is for subjects whose ${claim.value} allows it.`,
        'Add `grants: [token_exchange]` and `subjects`.',
        [pointerTo('clients', client)],
        causeOfParties(
          `${scope.value} ${claim.value}`,
          client,
          (names) =>
            `${names} ask for themselves alone, and ${scope.value} is for subjects whose ${claim.value} allows it.`,
        ),
      );
    }
  }
}

function reportUnknownCondition(
  client: string,
  call: CallDeclaration,
  scope: At<string>,
  findings: Findings,
): void {
  const scopes = call.scopes.map(({ value }) => value);
  findings.add(
    'unknown-scope',
    scope,
    `${client}'s call of ${call.callee.value} does not name ${scope.value}.`,
    () => didYouMean(scope.value, scopes) || `It names: ${scopes.slice(0, 8).join(', ') || 'none'}.`,
    [pointerTo('clients', client, 'calls', call.callee.value)],
    causeOfParties(
      `${call.callee.value}:${scope.value}`,
      client,
      (names) => `The calls of ${call.callee.value} by ${names} do not name ${scope.value}.`,
    ),
  );
}
