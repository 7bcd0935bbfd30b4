/**
 * What each part of the graph language costs when it is used: a checkout of Online Boutique, issued by the graph that ships
 * and an overlay beside it, against the same graph with none.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  authenticatingParties,
  createIssuer,
  generateKey,
  keyRing,
  systemClock,
  type ClientPlan,
  type Issuer,
} from 'waybill';
import { generateEncryptionKey, publicEncryptionKey } from '../../dist/issuer/keys/index.js';
import { CLIENT, GRAPH, clientOf, compiled, verifiedTree } from './boutique.ts';
import type { Figure, Part } from './part.ts';
import { awaited, inTurns } from './rounds.ts';
import { quotients, spreadOf } from './spread.ts';

const SCOPES = ['checkout'];
const TOKENS = 12;
const REQUEST = { amount: 1_999, currency: 'EUR' };
const SEALED = 'paymentservice';
const OFF = 'nothing';
const ALL = 'all of them';

/** What the request may say. Without a scope that names the claims this changes nothing. */
const DECLARED = {
  waybill: 1,
  claims: {
    amount: { from: 'request', type: 'int' },
    currency: { from: 'request', type: 'string', values: ['EUR', 'USD'] },
  },
};

/** Overlays. */
const FEATURES: Readonly<Record<string, object>> = {
  'whole chains of calls': { issuer: { lineage: 'full' } },
  'two claims of the request, in three tokens': {
    services: {
      frontend: { scopes: { checkout: { claims: ['amount!', 'currency!'] } } },
      checkoutservice: { scopes: { 'order:place': { claims: ['amount!', 'currency!'] } } },
      paymentservice: { scopes: { charge: { claims: ['region', 'amount!', 'currency!'] } } },
    },
  },
  'conditions on two calls': {
    services: {
      recommendationservice: { scopes: { recommend: { when: 'client.tier == "gold"' } } },
      paymentservice: {
        scopes: { charge: { when: 'client.tier in ["gold", "tin"] && size(client.tier) < 9' } },
      },
    },
  },
  'two audiences and two identities': {
    services: {
      checkoutservice: {
        identity: ['spiffe://boutique.example/checkoutservice', 'spiffe://boutique.example/canary'],
      },
      paymentservice: {
        audience: ['https://paymentservice.boutique.example', 'https://pay.boutique.example'],
      },
    },
  },
  'one sealed token': {
    services: { [SEALED]: { seal: true, encryption: { jwks_file: 'payment.jwks' } } },
  },
};

interface Variant {
  readonly issuer: Issuer;
  readonly client: ClientPlan;
}

export const features: Part = {
  name: 'features',
  title: 'What the graph language costs when it is used',
  async run(options) {
    const overlays = Object.entries(FEATURES).map(([name, keys], at): [string, string] => [
      name,
      written(path.join(options.folder, `feature-${at}.yaml`), { waybill: 1, overlay: true, ...keys }),
    ]);
    const declared = written(path.join(options.folder, 'declared.yaml'), DECLARED);
    const variants = new Map<string, Variant>();
    for (const [name, files] of [
      [OFF, []],
      ...overlays.map(([name, file]) => [name, [file]] as const),
      [ALL, overlays.map(([, file]) => file)],
    ] as const)
      variants.set(name, await variantOf([GRAPH, declared, ...files]));

    const sizes: Figure[] = [];
    for (const [name, variant] of variants)
      for (const encoding of ['nested', 'packed'] as const) {
        const { token, bytes } = await issue(variant, encoding);
        if (encoding === 'nested' && name === OFF) await verifiedTree(token, variant.issuer, TOKENS);
        sizes.push({ name: `${name}: bytes, ${encoding}`, unit: '', ...spreadOf([bytes]) });
      }
    const samples = await inTurns(
      [...variants].map(([name, variant]) => awaited(name, () => issue(variant, 'nested'))),
      options,
    );
    const of = (name: string): readonly number[] => samples.get(name) ?? [];
    return {
      ratios: [...Object.keys(FEATURES), ALL].map((name) => ({
        name: `${name} / ${OFF}`,
        ...quotients(of(name), of(OFF)),
      })),
      figures: [
        ...[...samples].map(([name, values]): Figure => ({ name, unit: 'µs', ...spreadOf(values) })),
        ...sizes,
      ],
      notes: [
        `CPU to issue a checkout of graphs/online-boutique.yaml in process, ${TOKENS} tokens, ES256, nested; and the bytes of its root.`,
        'The sealed token is encrypted with ECDH-ES to a key on X25519.',
      ],
    };
  },
};

function written(file: string, content: object): string {
  writeFileSync(file, JSON.stringify(content)); // YAML, too
  return file;
}

async function variantOf(files: readonly string[]): Promise<Variant> {
  const plan = compiled(files);
  const { signing } = plan.issuer;
  const parties = [...authenticatingParties(plan).keys()];
  const sealing = publicEncryptionKey(await generateEncryptionKey('X25519', 'ECDH-ES'));
  const issuer = createIssuer({
    plan,
    keys: keyRing([await generateKey(signing, systemClock)], signing),
    secrets: new Map(parties.map((name) => [name, `the secret of ${name}`])),
    encryptionKeys: new Map([[SEALED, { keys: [sealing] }]]),
  });
  return { issuer, client: clientOf(plan, CLIENT) };
}

function issue({ issuer, client }: Variant, encoding: 'nested' | 'packed') {
  return issuer.issue(client, { scopes: SCOPES, encoding, request: REQUEST });
}
