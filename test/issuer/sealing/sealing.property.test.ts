/** With sealed calls an exchanged token still is the one that would have been embedded, but for its ciphertext; sizes hold. */
import { expect } from 'chai';
import fc from 'fast-check';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { Walk, heldClaimsOf, type Plan } from '../../../src/graph/index.ts';
import type { Issuer } from '../../../src/issuer/index.ts';
import {
  Measure,
  signingSize,
  worstClaimBytes,
  worstSubject,
  type MeasuredToken,
} from '../../../src/planning/header-budget/index.ts';
import { MeasuredTree } from '../../../src/planning/header-budget/measured-tree.ts';
import {
  decryptDeferredClaims,
  isSealed,
  readSealedHeader,
  sealOpener,
  unpack,
  type DeferredClaimsKey,
} from '../../../src/token/index.ts';
import { planOf } from '../../support/compile.ts';
import type { RawCalls, RawGraph } from '../../support/graphs/naive.ts';
import { randomGraph } from '../../support/graphs/random.ts';
import { PROVIDER, userGraph } from '../../support/graphs/random-with-users.ts';
import { clientOf, exchange, issuerFor, keysFor, serviceOf } from '../../support/issuer/issue.ts';
import type { Payload } from '../../support/issuer/trees.ts';
import { sealKeyPair, type SealKeyPair } from '../../support/keys/seal-keys.ts';
import { NOW, makeSigner, type Signer } from '../../support/keys/signer.ts';
import { untilSeen } from '../../support/until-seen.ts';

const MOST_EXCHANGES = 8;
const ANEW = ['jti', 'iat', 'exp'];

/** Services into which some call sends the caller's own token: there is nothing to seal. */
function forwardees({ clients, services }: RawGraph): Set<string> {
  const found = new Set<string>();
  const look = (calls: RawCalls): void => {
    for (const [callee, { mode }] of Object.entries(calls)) if (mode === 'forward') found.add(callee);
  };
  for (const { calls } of Object.values(clients)) look(calls);
  for (const { calls, scopes } of Object.values(services)) {
    look(calls);
    for (const scope of Object.values(scopes)) look(scope.calls);
  }
  return found;
}

const lifetimes = fc.dictionary(fc.constantFrom('s1', 's2', 's3', 's4'), fc.integer({ min: 30, max: 200 }));
/** Which services are sealed for all their callers, by the place of their names. */
const choices = fc.array(fc.boolean(), { minLength: 8, maxLength: 8 });

/** What the client says of its request, where the graph has claims of it. */
const TIER = 'of the request';

function hasRequestClaims({ claims }: Plan): boolean {
  return [...claims.values()].some(({ source }) => 'setBy' in source);
}

describe('With sealed calls an exchanged token', () => {
  let signer: Signer;
  let pairs: readonly SealKeyPair[];
  let heldKeys: readonly DeferredClaimsKey[];
  const seen = {
    sealed: 0,
    exchangedSealed: 0,
    heldForSealed: 0,
    inSealed: 0,
    packed: 0,
    ends: 0,
    ofRequest: 0,
  };

  before(async () => {
    signer = await makeSigner('ES256', 'provider');
    ({ heldKeys } = await keysFor('ES256'));
    pairs = await Promise.all([
      sealKeyPair('a', { crv: 'P-256' }),
      sealKeyPair('a-longer-kid', { crv: 'X25519', alg: 'ECDH-ES+A256KW' }),
    ]);
  });

  const pairOf = (service: string): SealKeyPair =>
    pairs[Number(service.slice(1)) % pairs.length] ?? pairs[0]!;

  async function issuerOf(
    graph: RawGraph,
    sealed: ReadonlySet<string>,
    lives: Readonly<Record<string, number>>,
    ofRequest: boolean,
  ): Promise<Issuer> {
    const document = JSON.parse(userGraph(graph, { lifetimes: lives, ofRequest })) as {
      services: Record<string, object>;
    };
    for (const name of sealed)
      Object.assign(document.services[name]!, { seal: true, encryption: { jwks_file: name } });
    const fetch = async () => Promise.resolve(Response.json({ keys: [signer.publicJwk] }));
    const encryptionKeys = new Map([...sealed].map((name) => [name, pairOf(name).jwks]));
    return issuerFor(planOf(JSON.stringify(document)), () => NOW, { fetch, encryptionKeys });
  }

  async function root(
    issuer: Issuer,
    clientName: string,
    scope: string,
    resource: string,
    encoding: 'nested' | 'packed',
  ): Promise<string> {
    const claims = { iss: PROVIDER, aud: 'app', sub: 'ann', email: 'ann@x.example', account: { plan: 7 } };
    const token = await signer.sign({ ...claims, iat: NOW, exp: NOW + 900 }, { typ: 'JWT' });
    const said = hasRequestClaims(issuer.plan) ? { request: { tier: TIER, plan: 7 } } : {};
    const request = { scopes: [scope], resources: [resource], encoding, ...said };
    const subject = { token, type: 'id_token' } as const;
    return (await issuer.issueFor(clientOf(issuer.plan, clientName), subject, request)).token;
  }

  /** What its service gets: the token out of its seal. */
  async function received(token: string, service: string, plan: Plan): Promise<string> {
    if (!isSealed(token)) return token;
    const { audience } = serviceOf(plan, service);
    const { nested } = await sealOpener({ keys: [pairOf(service).privateJwk] }, [audience], 1 << 24)(token);
    return nested;
  }

  /** All that a token says, with its whole subtree, but for what every issuing makes anew. */
  async function meaning(token: string, service: string, plan: Plan, txn = true): Promise<object> {
    const inner = await received(token, service, plan);
    const header = isSealed(token) ? readSealedHeader(token) : undefined;
    const seal = header && {
      alg: header.alg,
      enc: header.enc,
      cty: header.cty,
      kid: header.kid,
      aud: header.aud,
    };
    const { held, embedded = {}, ...claims } = decodeJwt<Payload>(inner);
    const left = Object.entries(claims).filter(([name]) => !ANEW.includes(name) && (txn || name !== 'txn'));
    const children = await Promise.all(
      Object.entries(embedded).map(
        async ([name, child]) => [name, await meaning(child, name, plan, txn)] as const,
      ),
    );
    return {
      seal,
      header: decodeProtectedHeader(inner),
      claims: Object.fromEntries(left),
      held: await decryptDeferredClaims(held, heldKeys),
      embedded: Object.fromEntries(children),
    };
  }

  /** Characters of every token as it is carried, in pre-order. */
  async function lengthsOf(token: string, service: string, plan: Plan): Promise<number[]> {
    const { embedded = {} } = decodeJwt<Payload>(await received(token, service, plan));
    const below = await Promise.all(
      Object.entries(embedded).map(([name, child]) => lengthsOf(child, name, plan)),
    );
    return [token.length, ...below.flat()];
  }

  /** @param caller absent for a client's own tree. */
  async function checkSizes(
    plan: Plan,
    service: string,
    token: string,
    packed: string | undefined,
    caller?: string,
  ): Promise<void> {
    const claims = decodeJwt<Payload>(await received(token, service, plan));
    const client = clientOf(plan, claims.client_id);
    const target = serviceOf(plan, service);
    const scopes = claims.scope.split(' ').flatMap((name) => target.scopes.get(name) ?? []);
    const shape = new Walk().shape(
      target,
      scopes,
      caller === undefined ? undefined : serviceOf(plan, caller),
    );
    const said = hasRequestClaims(plan) ? { tier: TIER } : {};
    const values: Record<string, unknown> = { email: 'ann@x.example', plan: 7, ...said };
    const measure = new Measure({
      issuer: plan.issuer.url,
      sub: claims.sub ?? '',
      clientId: client.name,
      signing: signingSize('ES256'),
      claimBytes: ({ name, source }) => {
        const value = 'value' in source ? source.value : (client.claims.get(name) ?? values[name]);
        return value === undefined ? undefined : Buffer.byteLength(JSON.stringify(value));
      },
      heldClaims: heldClaimsOf(plan),
      exchanged: caller !== undefined,
      lifetime: (claims.exp ?? 0) - NOW,
      sealKeyOf: ({ name }) => {
        const { crv, kid, alg = 'ECDH-ES' } = pairOf(name).publicJwk;
        return { crv, kid, alg } as { crv: 'P-256'; kid: string; alg: 'ECDH-ES' };
      },
    });
    const tree = measure.exact(shape, claims.act?.act, isSealed(token));
    const bytes = (each: MeasuredToken): number[] => [
      each.bytes,
      ...each.children.flatMap((child) => bytes(child.token)),
    ];
    expect(await lengthsOf(token, service, plan)).to.deep.equal(bytes(tree));
    const worst = new Measure({
      ...measure.options,
      sub: worstSubject(client),
      claimBytes: worstClaimBytes(client),
      lifetime: undefined,
      sealKeyOf: undefined,
    });
    const signed = worst.worst(shape, 4, claims.act?.act);
    expect(token.length).to.be.at.most(isSealed(token) ? worst.sealedAtWorst(shape.body, signed) : signed);
    if (packed === undefined) return;
    const measuredTree = new MeasuredTree(tree, { presenter: client.name, calls: [], measure });
    expect(packed.length).to.be.at.most(measuredTree.bytes(tree, 'packed'));
  }

  async function checkGraph(
    graph: RawGraph,
    chosen: readonly boolean[],
    lives: Readonly<Record<string, number>>,
    ofRequest: boolean,
  ): Promise<void> {
    const forwarded = forwardees(graph);
    const names = Object.keys(graph.services).filter(
      (name, at) => chosen[at] === true && !forwarded.has(name),
    );
    const sealed = new Set(names);
    const issuer = await issuerOf(graph, sealed, lives, ofRequest);
    const { plan } = issuer;
    for (const [clientName, client] of Object.entries(graph.clients)) {
      const entry = Object.entries(client.calls).find(([, call]) => call.mode !== 'none');
      if (!entry) continue;
      const [service, { scopes }] = entry;
      const scope = scopes.at(-1)!;
      const { audience } = serviceOf(plan, service);
      const start = await root(issuer, clientName, scope, audience, 'nested');
      const packed = await root(issuer, clientName, scope, audience, 'packed');
      expect(await meaning(unpack(packed), service, plan, false)).to.deep.equal(
        await meaning(start, service, plan, false),
      );
      await checkSizes(plan, service, start, packed);
      if (packed.startsWith('wb1~') && sealed.size > 0) seen.packed++;
      const waiting = [{ service, token: start, steps: [] as string[] }];
      const done = new Set<string>();
      for (let here = waiting.shift(); here && done.size < MOST_EXCHANGES; here = waiting.shift()) {
        const own = await received(here.token, here.service, plan);
        const { embedded = {}, on_demand: onDemand = {}, held } = decodeJwt<Payload>(own);
        for (const callee of [...Object.keys(embedded), ...Object.keys(onDemand)]) {
          const key = `${here.service} → ${callee}`;
          if (done.has(key)) continue;
          done.add(key);
          const fetched = await exchange(issuer, here.service, own, {
            audiences: [callee],
            encoding: 'nested',
          });
          expect(isSealed(fetched.token)).to.equal(sealed.has(callee));
          await checkSizes(plan, callee, fetched.token, undefined, here.service);
          const carried = embedded[callee];
          if (carried !== undefined) {
            expect(isSealed(carried)).to.equal(sealed.has(callee));
            expect(await meaning(fetched.token, callee, plan)).to.deep.equal(
              await meaning(carried, callee, plan),
            );
          }
          if (isSealed(fetched.token)) seen.exchangedSealed++;
          if (isSealed(fetched.token) && ofRequest) {
            const { tier } = decodeJwt<Payload>(await received(fetched.token, callee, plan));
            if (tier === TIER) seen.ofRequest++;
          }
          if (carried !== undefined && isSealed(carried)) {
            seen.sealed++;
            if (readSealedHeader(carried)?.exp !== undefined) seen.ends++;
            if (held !== undefined) seen.heldForSealed++;
          }
          if (isSealed(here.token)) seen.inSealed++;
          waiting.push({ service: callee, token: carried ?? fetched.token, steps: [...here.steps, callee] });
        }
      }
    }
  }

  it('is the embedded one in all but jti, iat, exp and its ciphertext; issued sizes are the measured ones (S1, S3, S4, X5)', async function () {
    this.timeout(120_000);
    await untilSeen(seen, 10, async () =>
      fc.assert(fc.asyncProperty(randomGraph, choices, lifetimes, fc.boolean(), checkGraph), {
        numRuns: 60,
        interruptAfterTimeLimit: 60_000,
        markInterruptAsFailure: true,
      }),
    );
  });
});
