/** The service that is called, the one that it calls, and the tokens of the requests. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Issuer, Plan } from 'waybill';
import { clientOf, compiled, issuerOf, verifiedTree } from '../boutique.ts';
import type { PartOptions } from '../part.ts';

export const SERVICE = 'front';
export const CALLEE = 'stock';
/** As the service calls it. */
export const CALLEE_HOST = `${CALLEE}.shop.example`;
/** Of the request; the call has the same. */
export const PATH = '/orders';
export const MAX_TOKEN = 64 * 1024;
/** Of a note, as JSON. */
const MOST_BYTES = 20_000;

const SCOPES = ['order', 'browse'];
/** Root, child, grandchild. */
const TOKENS = 3;
/** A cache that works finds them again: as many sessions as the extractor's part has. */
export const SESSIONS = 100;
/** The grandchild carries it, and its text is encoded anew in each token above. */
const NOTES: Readonly<Record<string, number>> = { '2.4 KB': 150, '49 KB': 19_810 };

/** So named in the report. */
export const SIZES = Object.keys(NOTES);

export interface Shop {
  readonly plan: Plan;
  readonly issuer: Issuer;
  /** By size. */
  readonly tokens: ReadonlyMap<string, readonly string[]>;
}

/** @param url of the issuer, which need not be reached: its keys are served below it. */
export async function openShop(url: string, { folder, tell }: PartOptions): Promise<Shop> {
  const file = path.join(folder, 'mesh.yaml');
  writeFileSync(file, graph(url));
  const plan = compiled([file]);
  const { issuer } = await issuerOf(plan);
  const tokens = new Map<string, string[]>();
  for (const [index, size] of SIZES.entries()) {
    tell(`issuing tokens of ${size}`);
    const client = clientOf(plan, clientName(index));
    const issued: string[] = [];
    while (issued.length < SESSIONS)
      issued.push((await issuer.issue(client, { scopes: SCOPES, encoding: 'nested' })).token);
    await verifiedTree(issued[0]!, issuer, TOKENS);
    tokens.set(size, issued);
  }
  return { plan, issuer, tokens };
}

/** Plain HTTP, so that what TLS costs does not hide what tokens cost. */
function graph(url: string): string {
  return JSON.stringify({
    waybill: 1,
    name: 'mesh',
    issuer: { url, lifetime: '12h', limits: { nested: MAX_TOKEN } },
    claims: { note: { from: 'client', max_bytes: MOST_BYTES } },
    defaults: {
      audience: 'http://{name}.shop.example',
      caller: 'none',
      headers: { max_total: 2 * MAX_TOKEN },
    },
    clients: Object.fromEntries(
      SIZES.map((size, index) => [
        clientName(index),
        {
          auth: { method: 'client_secret_basic', secret_env: 'CLIENT_SECRET' },
          claims: { note: 'n'.repeat(NOTES[size] ?? 0) },
          calls: { [SERVICE]: SCOPES },
        },
      ]),
    ),
    services: {
      [SERVICE]: {
        scopes: Object.fromEntries(
          Object.entries(OPERATIONS).map(([scope, operations]) => [
            scope,
            { operations, calls: { [CALLEE]: ['reserve'] } },
          ]),
        ),
      },
      [CALLEE]: { scopes: { reserve: { operations: [`POST ${PATH}`], calls: { warehouse: ['pick'] } } } },
      warehouse: { scopes: { pick: { operations: ['POST /picks'], claims: ['note'] } } },
    },
  });
}

/** By scope, as the sidecar's configuration has them too. */
export const OPERATIONS: Readonly<Record<string, readonly string[]>> = {
  order: [`POST ${PATH}`, 'GET /items/new'],
  browse: ['GET /items/{id}', 'GET /orders/{id}'],
};

function clientName(index: number): string {
  return `client-${index + 1}`;
}
