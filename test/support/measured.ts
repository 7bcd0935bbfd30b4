/** What a tree will weigh, as it is worked out before anything is signed. */
import { Measure, signingSize, type MeasuredToken } from '../../src/budget/index.ts';
import { Walk, resolveRequest, type Plan, type TreeRequest } from '../../src/graph/index.ts';
import type { SigningSize } from '../../src/budget/index.ts';
import { clientOf } from './issued.ts';

/** @returns the bytes of every token, in pre-order, with every claim at its real size. */
export function measured(
  plan: Plan,
  clientName: string,
  request: TreeRequest,
  signing: SigningSize = signingSize(plan.issuer.signing),
): number[] {
  const client = clientOf(plan, clientName);
  const { service, scopes } = resolveRequest(plan, client, request);
  const measure = new Measure({
    issuer: plan.issuer.url,
    sub: client.name,
    clientId: client.name,
    signing,
    claimBytes: ({ name, source }) => {
      const value = 'value' in source ? source.value : client.claims.get(name);
      return value === undefined ? undefined : Buffer.byteLength(JSON.stringify(value));
    },
  });
  const bytes = (token: MeasuredToken): number[] => [
    token.bytes,
    ...token.children.flatMap((child) => bytes(child.token)),
  ];
  return bytes(measure.exact(new Walk().shape(service, scopes)));
}
