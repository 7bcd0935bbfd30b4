/**
 * The policy decides as OPA compiled it to WebAssembly (`npm run rego`), over the data of the bundle and the claims of
 * tokens that were really issued.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { loadPolicy } from '@open-policy-agent/opa-wasm';
import { expect } from 'chai';
import { decodeJwt, type JWTPayload } from 'jose';

import { issuedTree, newKeys } from '../../../../scripts/sizes/issuing.ts';
import { compileGraph } from '../../../../src/planning/compile.ts';
import { opaBundle } from '../../../../src/architect/export/index.ts';

const GATEWAY = 'spiffe://boutique.example/gateway';
const boutique = fileURLToPath(new URL('../../../../graphs/online-boutique.yaml', import.meta.url));
const plan = compileGraph([boutique]).plan!;
const { files, notes } = opaBundle(plan, { gateways: [GATEWAY] });
const own = (name: string) => new URL(name, import.meta.url);

interface Claims extends JWTPayload {
  readonly embedded?: Readonly<Record<string, string>>;
}

/** Every token of a tree, by the service that it is for. */
function unfold(token: string, service: string): { service: string; claims: Claims }[] {
  const claims = decodeJwt<Claims>(token);
  return [
    { service, claims },
    ...Object.entries(claims.embedded ?? {}).flatMap(([callee, child]) => unfold(child, callee)),
  ];
}

describe('export to OPA: the policy over claims', () => {
  let decide: (input: object) => boolean;
  let tokens: ReturnType<typeof unfold>;
  const claimsFor = (service: string) => tokens.find((token) => token.service === service)!.claims;
  const asks = (service: string, operation: string, claims: object = claimsFor(service)) => {
    const [method, path] = operation.split(' ');
    return decide({ service, method, path, claims });
  };

  before(async () => {
    const policy = await loadPolicy(readFileSync(own('policy.wasm')));
    policy.setData(JSON.parse(files.get('data.json')!) as object);
    // Each token comes over the connection of the presenter that it names, a root over the gateway's, unless a test says
    // otherwise.
    decide = (input) => {
      const { claims } = input as { claims?: { act?: { sub: string } } };
      const asked = { presenter: claims?.act?.sub ?? GATEWAY, ...input };
      return (policy.evaluate(asked) as readonly { result: boolean }[])[0]?.result ?? false;
    };
    const asked = { client: 'storefront', scopes: ['checkout'], resources: [] };
    tokens = unfold(await issuedTree(plan, asked, await newKeys('ES256')), 'frontend');
  });

  it('was compiled from the exported policy', () => {
    const digest = createHash('sha256').update(files.get('policy.rego')!).digest('hex');
    expect(digest, 'run npm run rego, with opa installed').to.equal(
      readFileSync(own('policy.sha256'), 'utf8').trim(),
    );
  });

  it('has a manifest with the digest of the graph', () => {
    expect(JSON.parse(files.get('.manifest')!)).to.deep.equal({
      revision: plan.digest,
      roots: ['waybill/graph', 'waybill/authz', 'waybill/envoy'],
      rego_version: 1,
    });
  });

  it('says what it cannot do', () => {
    expect([...new Set(notes.map(({ code }) => code))]).to.have.members([
      'revocation',
      'packed-encoding',
      'bound-tokens',
      'several-uris',
    ]);
    const codes = opaBundle(plan).notes.map(({ code, service }) => `${service}: ${code}`);
    expect(codes).to.include('frontend: no-gateway');
  });

  it('allows every token of a tree the operations of its scopes, and no others of the service', () => {
    expect(tokens).to.have.length(12);
    for (const { service, claims } of tokens) {
      const held = new Set(String(claims['scope']).split(' '));
      for (const { name, operations } of plan.services.get(service)!.scopes.values()) {
        for (const operation of operations) {
          const [method, path] = operation.startsWith('/') ? ['POST', operation] : operation.split(' ');
          const allowed = decide({ service, method, path: path?.replace(/\{[^{}]*\}/g, '1'), claims });
          expect(allowed, `${service} ${operation}`).to.equal(held.has(name));
        }
      }
    }
  });

  it('allows an operation by its name in the graph', () => {
    const claims = claimsFor('paymentservice');
    const operation = '/hipstershop.PaymentService/Charge';
    expect(decide({ service: 'paymentservice', operation, claims })).to.equal(true);
    expect(decide({ service: 'paymentservice', operation: 'Refund', claims })).to.equal(false);
  });

  const charge = 'POST /hipstershop.PaymentService/Charge';
  it('denies a token for another service', () => {
    expect(asks('paymentservice', charge)).to.equal(true);
    expect(asks('paymentservice', charge, claimsFor('emailservice'))).to.equal(false);
    expect(
      asks('paymentservice', charge, { ...claimsFor('paymentservice'), aud: 'https://elsewhere' }),
    ).to.equal(false);
  });

  it('denies a presenter that the graph does not give the scope', () => {
    const claims = claimsFor('paymentservice');
    const act = { sub: plan.services.get('frontend')!.identity };
    expect(asks('paymentservice', charge, { ...claims, act })).to.equal(false);
    const { act: _, ...root } = claims as Claims & { act: object };
    expect(asks('paymentservice', charge, root), 'a root that no client may ask for').to.equal(false);
  });

  it('denies a token on the connection of another party', () => {
    const [method, path] = charge.split(' ');
    const own = { service: 'paymentservice', method, path, claims: claimsFor('paymentservice') };
    expect(decide(own)).to.equal(true);
    expect(decide({ ...own, presenter: plan.services.get('frontend')!.identity })).to.equal(false);
    expect(decide({ ...own, presenter: undefined })).to.equal(false);
  });

  it('matches the whole method and path', () => {
    expect(asks('frontend', 'POST /cart/checkout')).to.equal(true);
    expect(asks('frontend', 'GET /cart/checkout')).to.equal(false);
    expect(asks('frontend', 'POST /cart/checkout/more')).to.equal(false);
    expect(asks('paymentservice', charge.replace('hipstershop.', 'hipstershopx'))).to.equal(false);
  });

  describe('a root', () => {
    const request = 'POST /cart/checkout';
    const root = () => claimsFor('frontend');
    const asked = (more: object, claims: object = root()) => {
      const [method, path] = request.split(' ');
      return decide({ service: 'frontend', method, path, claims, ...more });
    };

    it('needs a gateway as its presenter, where the service checks its caller', () => {
      expect(asked({ presenter: GATEWAY })).to.equal(true);
      expect(asked({ presenter: plan.services.get('checkoutservice')!.identity })).to.equal(false);
      expect(asked({ presenter: undefined })).to.equal(false);
    });

    it('needs its key in place of a gateway, if it is bound to one (RFC 7800)', () => {
      const none = { presenter: undefined };
      for (const [method, shown] of [
        ['x5t#S256', 'thumbprint'],
        ['jkt', 'jkt'],
      ] as const) {
        const bound = { ...root(), cnf: { [method]: 'K' } };
        expect(asked({ ...none, [shown]: 'K' }, bound)).to.equal(true);
        expect(asked({ ...none, [shown]: 'L' }, bound)).to.equal(false);
        expect(asked({ presenter: GATEWAY }, bound), 'a gateway without the key').to.equal(false);
        const twice = { ...root(), cnf: { [method]: 'K', kid: 'K' } };
        expect(asked({ ...none, [shown]: 'K' }, twice), 'a binding that is not known').to.equal(false);
      }
      for (const cnf of [{}, 'K', [], null])
        expect(asked({ presenter: GATEWAY, thumbprint: 'K', jkt: 'K' }, { ...root(), cnf })).to.equal(false);
    });

    it('has no act, whatever its value', () => {
      for (const act of [false, null, {}, 'x'])
        expect(asked({ presenter: GATEWAY }, { ...root(), act }), JSON.stringify(act)).to.equal(false);
    });
  });

  it('denies malformed input', () => {
    for (const input of [{}, { service: 'nobody' }, { service: 'frontend', claims: {} }])
      expect(decide(input)).to.equal(false);
  });
});
