/** Claims: one source each, no standard name, no value over its bound. */
import { defaultBound, isAllowed, isOfType } from '../compile/claim-values.ts';
import { valueBytes } from '../compile/value-size.ts';
import { getOrAdd } from '../../get-or-add.ts';
import type { ClaimDeclaration, GraphDeclaration, InexactNumber } from '../declare/declaration.ts';
import { causeOfParties } from '../causes.ts';
import type { Findings, Place } from '../finding.ts';
import { pointerTo } from '../misread.ts';
import { didYouMean } from '../names.ts';

/** RFC 7519, 8693, 8705, 9068 and design: what the issuer writes itself. */
export const RESERVED_CLAIMS: ReadonlySet<string> = new Set(
  'iss sub aud exp nbf iat jti client_id scope txn act may_act cnf embedded on_demand held'.split(' '),
);

export function checkClaims(graph: GraphDeclaration, findings: Findings): void {
  for (const number of graph.inexactNumbers) {
    findings.add(
      'inexact-number',
      number,
      `A token cannot carry the number ${number.written}: ${whyNot(number)}.`,
      `Write it as text: '${number.written}'.`,
    );
  }
  for (const claim of graph.claims.values()) {
    if (RESERVED_CLAIMS.has(claim.name)) {
      findings.add(
        'reserved-claim',
        claim,
        `The claim ${claim.name} is written by the issuer itself.`,
        'Choose another name.',
      );
    }
    if (claim.from === 'request' && claim.name === 'type') {
      findings.add(
        'reserved-claim',
        claim,
        'A request cannot set the claim type: in `authorization_details` that member is the type of the object (RFC 9396).',
        'Choose another name.',
      );
    }
    checkSource(claim, findings);
    for (const { value, ...at } of claim.values ?? []) checkListed(claim, value, at, findings);
    if (claim.value !== undefined) checkValue(claim, claim.value, claim, findings);
  }
  checkRequestClaims(graph, findings);
  const byPath = new Map<string, ClaimDeclaration[]>();
  for (const claim of graph.claims.values()) {
    if (claim.from === 'client') getOrAdd(byPath, claim.path?.value ?? claim.name, () => []).push(claim);
  }
  for (const client of graph.clients.values()) {
    for (const [path, { value, ...at }] of client.claims) {
      const claims = byPath.get(path);
      for (const claim of claims ?? []) checkValue(claim, value, at, findings);
      if (!claims) {
        findings.add(
          'unknown-claim',
          at,
          `${client.name} gives a value for ${path}, and no claim is \`from: client\` under that name.`,
          didYouMean(path, byPath.keys()) || 'Declare it under `claims` with `from: client`.',
          ['/claims'],
          causeOfParties(
            `value ${path}`,
            client.name,
            (names) => `${names} give a value for ${path}, and no claim is \`from: client\` under that name.`,
          ),
        );
      }
    }
  }
}

function whyNot({ written, value }: InexactNumber): string {
  if (/inf|nan/i.test(written)) return 'JSON has no such number';
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER)
    return 'readers of JSON keep numbers up to 9007199254740991 (2^53-1)';
  return `readers of JSON see ${value}`;
}

/** One source, and what goes with it. */
function checkSource(claim: ClaimDeclaration, findings: Findings): void {
  const { name, from, value, path, type, setBy } = claim;
  const misread = [pointerTo('claims', name)];
  const report = (at: Place, message: string, hint: string): void =>
    findings.add('claim-source', at, message, hint, misread);
  if ((from === undefined) === (value === undefined)) {
    report(
      claim,
      `The claim ${name} needs either \`from\` or \`value\`.`,
      'from: client takes it from the client; value: eu fixes it.',
    );
  }
  if (from === 'request' && (type === undefined || type.value === 'any')) {
    report(
      type ?? claim,
      `The claim ${name} of the request has no type.`,
      'Add `type`: string, int, bool or strings. A value of any other type is refused.',
    );
  }
  if (from === 'request' && path) {
    report(
      path,
      `The claim ${name} of the request has a \`path\`.`,
      `Take it out: a request names its values as \`claims\` does.`,
    );
  }
  if (from !== undefined && from !== 'request' && setBy) {
    report(
      setBy,
      `The claim ${name} has \`set_by\`, and its value is the ${from}'s.`,
      'Take it out, or write `from: request`.',
    );
  }
}

/** RFC 9396 names no bound; a request is small, and every value of it may be in each token of a tree. */
export const REQUEST_CLAIMS = { most: 32, bytes: 2_048 };

function checkRequestClaims({ claims }: GraphDeclaration, findings: Findings): void {
  const ofRequest = [...claims.values()].filter(({ from }) => from === 'request');
  const bytes = ofRequest.reduce((sum, claim) => sum + (claim.maxBytes ?? defaultBound(claim) ?? 0), 0);
  const { most, bytes: room } = REQUEST_CLAIMS;
  if (ofRequest.length > most) {
    findings.add(
      'too-many-request-claims',
      ofRequest[most],
      `${ofRequest.length} claims are \`from: request\`; a graph has at most ${most}.`,
      'Let one claim carry a reference to what the request is about, such as the id of an order.',
    );
  }
  if (bytes > room) {
    findings.add(
      'too-many-request-claims',
      ofRequest.at(-1),
      `The claims of a request have up to ${bytes} bytes together; at most ${room} are allowed.`,
      'Give texts and lists a smaller `max_bytes`, or list their `values`.',
    );
  }
}

function checkListed(
  { name, type, maxBytes }: ClaimDeclaration,
  value: unknown,
  at: Place,
  findings: Findings,
): void {
  const one = type?.value === 'strings' ? 'string' : (type?.value ?? 'any');
  if (isOfType(value, one)) return checkSize(name, value, maxBytes, at, findings);
  findings.add(
    'claim-value',
    at,
    `A value in \`values\` of ${name} is not of its type, \`${type?.value}\`.`,
    'Correct the value or the type.',
    [pointerTo('claims', name)],
  );
}

/** A value that the graph has itself. */
function checkValue(claim: ClaimDeclaration, value: unknown, at: Place, findings: Findings): void {
  const { name, type, values, maxBytes } = claim;
  const rule = { type: type?.value ?? 'any', values: values?.map((each) => each.value) };
  if (value !== null && !isAllowed(value, rule)) {
    findings.add(
      'claim-value',
      at,
      isOfType(value, rule.type)
        ? `The value of ${name} is not one of its \`values\`.`
        : `The value of ${name} is not of its type, \`${rule.type}\`.`,
      'Correct the value, or what the claim allows.',
      [pointerTo('claims', name)],
    );
  }
  checkSize(name, value, maxBytes, at, findings);
}

function checkSize(
  name: string,
  value: unknown,
  bound: number | undefined,
  at: Place,
  findings: Findings,
): void {
  const bytes = valueBytes(value);
  if (bound !== undefined && bytes > bound) {
    findings.add(
      'claim-too-large',
      at,
      `The value of ${name} has ${bytes} bytes; its \`max_bytes\` is ${bound}.`,
      'Shorten it, or raise `max_bytes` and see what the hops then weigh.',
      [],
      {
        key: name,
        part: bytes,
        words: (sizes) => ({
          message: `Values of ${name} have up to ${Math.max(...sizes)} bytes; its \`max_bytes\` is ${bound}.`,
        }),
      },
    );
  }
}
