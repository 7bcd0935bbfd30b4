/** The tokens of the vectors: what an issuer makes, and what nobody should make and a coding must carry all the same. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Lineage, Plan } from '../../../src/graph/index.ts';
import { compileGraph } from '../../../src/planning/compile.ts';
import type { KeyRing } from '../../../src/issuer/keys/index.ts';
import { compiledChain } from '../../sizes/chain.ts';
import { issuedTree, NOW } from '../../sizes/issuing.ts';

export interface NamedToken {
  readonly name: string;
  readonly nested: string;
  readonly nestedFor?: readonly (readonly string[])[];
}

type Sign = (claims: object | string, header?: object) => Promise<string>;

/** Trees as `waybill serve` issues them. */
export async function issuedTokens(keys: KeyRing, lineage: Lineage = 'caller'): Promise<NamedToken[]> {
  const boutique = planOf('online-boutique', lineage);
  const otel = planOf('otel-demo', lineage);
  const chain = compiledChain(lineage).plan;
  if (!chain) throw new Error('the chain has errors');
  const asked = (client: string, ...scopes: string[]) => ({ client, scopes, resources: [] });
  const checkout = await issuedTree(boutique, asked('storefront', 'checkout'), keys);
  return [
    { name: 'online-boutique: checkout', nested: checkout },
    { name: 'its child checkoutservice, sent on', nested: childOf(checkout, 'checkoutservice') },
    {
      name: 'its child currencyservice, which has no children',
      nested: childOf(checkout, 'currencyservice'),
    },
    {
      name: 'online-boutique: checkout, with a child that travels nested',
      nested: checkout,
      nestedFor: [['checkoutservice']],
    },
    {
      name: 'online-boutique: checkout, whose root travels nested',
      nested: checkout,
      nestedFor: [[]],
    },
    {
      name: 'otel-demo: two scopes, with on_demand',
      nested: await issuedTree(otel, asked('browser', 'checkout', 'chat'), keys),
    },
    { name: 'a chain of ten', nested: await issuedTree(chain, asked('portal', 'gateway:read'), keys) },
  ];
}

function planOf(name: string, lineage: Lineage): Plan {
  const graph = readFileSync(new URL(`../../../graphs/${name}.yaml`, import.meta.url), 'utf8');
  const folder = mkdtempSync(path.join(tmpdir(), 'waybill-vectors-'));
  try {
    const file = path.join(folder, 'graph.yaml');
    writeFileSync(file, graph.replace(/^issuer:$/m, `issuer:\n  lineage: ${lineage}`));
    const { plan } = compileGraph([file]);
    if (!plan) throw new Error(`graphs/${name}.yaml has errors`);
    return plan;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function childOf(token: string, name: string): string {
  const payload = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as {
    embedded: Record<string, string>;
  };
  return payload.embedded[name]!;
}

/** A JWE (RFC 7516 appendix A.1), which is opaque to everyone but its recipient. */
const JWE = [
  'eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ',
  'OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKoTCVJRgckCL9kiMT03JGeipsEdY3mx_etLbbWSrFr05kLzcSr4qKAq7YN7e9jwQRb23nfa6c9d-StnImGyFDbSv04uVuxIp5Zms1gNxKKK2Da14B8S4rzVRltdYwam_lDp5XnZAYpQdb76FdIKLaVmqgfwX7XWRxv2322i-vDxRfqNzo_tETKzpVLzfiwQyeyPGLBIO56YJ7eObdv0je81860ppamavo35UgoRdbYaBcoh9QcfylQr66oc6vFWXRcZ_ZT2LawVCWTIy3brGPi6UklfCpIMfIjf7iGdXKHzg',
  '48V1_ALb6US04U3b',
  '5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A',
  'XFBoMYUZodetZdvTiFvSkQ',
].join('.');

function claims(name: string, more: object = {}): object {
  return {
    iss: 'https://tokens.shop.example',
    aud: `https://${name}.shop.example`,
    sub: 'login:alice',
    client_id: 'web',
    scope: `${name}:read`,
    iat: NOW,
    exp: NOW + 300,
    jti: 'zoRccZHzX0zCoYfONLOQ2Q.0',
    txn: 'zoRccZHzX0zCoYfONLOQ2Q',
    ...more,
  };
}

/** Tokens that are signed, and in some way unlike those of the issuer. */
export async function unusualTokens(sign: Sign, signOther: Sign): Promise<NamedToken[]> {
  const leaf = await sign(claims('leaf', { act: { sub: 'root' } }));
  const [header, payload, signature] = leaf.split('.') as [string, string, string];
  const parent = async (name: string, embedded: object, more: object = {}) => ({
    name,
    nested: await sign(claims('root', { ...more, embedded })),
  });
  const text = (json: object) => JSON.stringify(json).slice(0, -1);
  const many = Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`claim-${i}`, i]));
  const long = {
    note: Array.from({ length: 9000 }, (_, i) => String.fromCharCode(97 + ((i * i) % 26))).join(''),
  };
  return [
    await parent('a child of another key and algorithm', { leaf, other: await signOther(claims('other')) }),
    await parent('a sealed child, which takes ids with it', {
      sealed: JWE,
      leaf: await sign(claims('leaf', { jti: 'zoRccZHzX0zCoYfONLOQ2Q.7' })),
    }),
    await parent('children that are no tokens', {
      empty: '',
      text: 'one "two" \\ \u00e9 \u{1f600}',
      dots: '...',
      packed: 'wb1~AAAA',
    }),
    await parent('names that are hard to keep', {
      __proto__: null,
      constructor: leaf,
      '': leaf,
      'a"b': leaf,
      'caf\u00e9': leaf,
    }),
    {
      name: 'a child called __proto__',
      nested: await sign(`${text(claims('root'))},"embedded":{"__proto__":"${leaf}"}}`),
    },
    await parent('base64url that is not canonical', {
      leaf: `${header}.${payload}.${signature.slice(0, -1)}${nextLetter(signature.at(-1)!)}`,
    }),
    await parent('base64url with padding', { leaf: `${header}.${payload}.${signature}==` }),
    await parent('a child with blanks in its JSON', {
      leaf: await sign(JSON.stringify(claims('leaf'), null, 2)),
    }),
    await parent('a child that says a thing twice', {
      leaf: await sign(`${text(claims('leaf'))},"sub":"mallory"}`),
    }),
    await parent('a child with numbers spelled strangely', {
      leaf: await sign(`${text(claims('leaf'))},"n":[1.0,1e3,-0,12345678901234567890]}`),
    }),
    await parent('a child that is no object', { leaf: await sign('[1,2]') }),
    await parent('a child that is no UTF-8', {
      leaf: [header, Buffer.from([0x7b, 0xff, 0xfe, 0x7d]).toString('base64url'), signature].join('.'),
    }),
    await parent('a child without signature', { leaf: [header, payload, ''].join('.') }),
    await parent('headers unlike ours', {
      leaf: await sign(claims('leaf'), { typ: undefined, cty: 'x', kid: 'a "b" \u00e9' }),
    }),
    { name: 'children first', nested: await sign({ embedded: { leaf }, ...claims('root') }) },
    {
      name: 'children in the middle',
      nested: await sign({ iss: 'https://tokens.shop.example', embedded: { leaf }, sub: 'alice' }),
    },
    await parent(
      'claims of all kinds',
      { leaf },
      {
        aud: ['https://root.shop.example', 'https://leaf.shop.example'],
        email: 'alice@shop.example',
        roles: ['support', 'admin'],
        org: { name: 'Caf\u00e9', floor: -3.5, open: true, none: null },
        cnf: { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' },
        on_demand: { ads: 'https://ads.shop.example', maps: 'https://maps.example' },
        held: JWE,
      },
    ),
    await parent('more members than a shape takes', {
      root: await sign(claims('root', { ...many, embedded: { leaf } })),
    }),
    await parent('a long claim', { leaf }, long),
    {
      name: 'so little that it is stored',
      nested: await sign('{"embedded":{"\u00ff\u00fe\u00fd\u00fc\u00fb\u00fa\u00f9\u00f8":"%Kv2~Q"}}'),
    },
    await parent('children that are not all strings', { leaf, list: [] }),
    {
      name: 'blanks in the JSON of the root',
      nested: await sign(`${text(claims('root'))}, "embedded":{"leaf":"${leaf}"}}`),
    },
    { name: 'no token at all', nested: 'no token' },
  ];
}

/** The last character of 64 bytes has two bits too many: this sets one. */
function nextLetter(letter: string): string {
  return String.fromCharCode(letter.charCodeAt(0) + 1);
}
