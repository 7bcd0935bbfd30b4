/** Identity providers, and who may exchange their tokens. */
import type { ClientDeclaration, GraphDeclaration, SubjectDeclaration } from '../declare/declaration.ts';
import { causeOfParties } from '../causes.ts';
import type { Findings } from '../finding.ts';
import { pointerTo } from '../misread.ts';
import { checkKnown } from './names.ts';
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
