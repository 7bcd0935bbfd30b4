/** Claims: one source each, no standard name, no value over its bound. */
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
    if ((claim.from === undefined) === (claim.value === undefined)) {
      findings.add(
        'claim-source',
        claim,
        `The claim ${claim.name} needs either \`from\` or \`value\`.`,
        'from: client takes it from the client; value: eu fixes it.',
        [pointerTo('claims', claim.name)],
      );
    }
    if (claim.value !== undefined) checkSize(claim.name, claim.value, claim.maxBytes, claim, findings);
  }
  const byPath = new Map<string, ClaimDeclaration[]>();
  for (const claim of graph.claims.values()) {
    if (claim.from === 'client') getOrAdd(byPath, claim.path, () => []).push(claim);
  }
  for (const client of graph.clients.values()) {
    for (const [path, { value, ...at }] of client.claims) {
      const claims = byPath.get(path);
      for (const claim of claims ?? []) checkSize(claim.name, value, claim.maxBytes, at, findings);
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
