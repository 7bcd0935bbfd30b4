import { createPublicKey } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { expect } from 'chai';
import { createVerifier } from 'fast-jwt';
import { createLocalJWKSet, jwtVerify } from 'jose';
import type { JSONWebKeySet } from 'jose';

import { compileGraph } from '../../src/planning/compile.ts';
import type { Plan } from '../../src/graph/index.ts';
import type { Issuer } from '../../src/issuer/index.ts';
import { planRequest, type CallView } from '../../src/planning/request-plan.ts';
import { DeclaredTokens, type ExpectedToken } from './declared-tokens.ts';
import { clientOf, issuerFor } from '../support/issuer/issue.ts';
import { tokensOf, type IssuedToken } from '../support/issuer/trees.ts';
import { measured } from '../support/issuer/measured.ts';
import { shippedGraphs } from '../support/graphs/shipped.ts';

const graphs = fileURLToPath(new URL('../../graphs', import.meta.url));
const paths = [
  ...shippedGraphs(),
  ...readdirSync(`${graphs}/tutorial`).map((name) => `tutorial/${name}`),
].map((name) => `${graphs}/${name}`);

interface Request {
  readonly client: string;
  readonly entry: string;
  readonly scopes: readonly string[];
  /** What is asked for; nothing where the default scopes are meant. */
  readonly asked: readonly string[];
}

/** Each single scope, the default scopes, and all scopes, of every client at every entry. */
function requestsOf(declared: DeclaredTokens): Request[] {
  return Object.entries(declared.clients).flatMap(([client, node]) =>
    declared.entries(client).flatMap(({ service: entry, scopes }) => {
      const defaults = scopes.filter((scope) => node.default_scopes?.includes(scope));
      const sets = [...scopes.map((scope) => [scope]), ...(scopes.length > 1 ? [scopes] : [])];
      const requests = sets.map((set) => ({ client, entry, scopes: set, asked: set }));
      return defaults.length === 0 ? requests : [...requests, { client, entry, scopes: defaults, asked: [] }];
    }),
  );
}

/** Bytes that `plan` foresees, in the order of the tokens. */
function foreseen(view: CallView): number[] {
  return view.bytes === undefined ? [] : [view.bytes.nested, ...view.calls.flatMap(foreseen)];
}

describe('Trees of the graphs that ship with Waybill', () => {
  for (const path of paths) {
    describe(path.slice(graphs.length + 1), () => {
      const declared = new DeclaredTokens(path);
      const requests = requestsOf(declared);
      let plan: Plan;
      let issuer: Issuer;
      const trees: { request: Request; tokens: IssuedToken[]; expected: ExpectedToken[] }[] = [];

      before(async () => {
        plan = compileGraph([path]).plan as Plan;
        issuer = await issuerFor(plan);
        for (const request of requests) {
          const { client, entry, scopes, asked } = request;
          const resources = declared.entries(client).length > 1 ? [declared.audience(entry)] : [];
          const { token } = await issuer.issue(clientOf(plan, client), { scopes: asked, resources });
          trees.push({ request, tokens: tokensOf(token), expected: declared.tree(client, entry, scopes) });
        }
      });

      it('are issued for every single scope, the default scopes and all scopes of an entry', () => {
        expect(trees).to.have.lengthOf(requests.length);
        expect(trees.length).to.be.greaterThan(0);
      });

      it('have the tokens, audiences, scopes, presenters, claims and calls that the YAML declares', () => {
        expect(trees).to.not.be.empty;
        for (const { request, tokens, expected } of trees) {
          const found = tokens.map((token) => asDeclared(token));
          expect(found, JSON.stringify(request)).to.deep.equal(expected);
        }
      });

      it('RFC 9068 section 2: every token has type, issuer, subject, client, times and id, and no other member', () => {
        expect(trees).to.not.be.empty;
        for (const { request, tokens, expected } of trees) {
          tokens.forEach((token, index) => {
            checkEnvelope(token, request, declared);
            const claims = Object.keys(expected[index]?.claims ?? {});
            const others = Object.keys(token.payload).filter((name) => !claims.includes(name));
            expect(others).to.have.members(membersOf(token));
          });
        }
      });

      it('RFC 8417 section 2.2: one txn for a tree, another for the next; jti counts in pre-order from 0', () => {
        const txns = new Set(trees.map(({ tokens }) => tokens[0]?.payload.txn));
        expect(txns.size).to.equal(trees.length);
        for (const { tokens } of trees) {
          const txn = tokens[0]?.payload.txn;
          expect(txn).to.match(/^[\w-]{22}$/);
          expect(tokens.map(({ payload }) => payload.txn)).to.deep.equal(tokens.map(() => txn));
          expect(tokens.map(({ payload }) => payload.jti)).to.deep.equal(tokens.map((_, n) => `${txn}.${n}`));
        }
      });

      it('verify with jose and with fast-jwt, each token by itself, and fail for another audience', async () => {
        const jwks = issuer.jwks as unknown as JSONWebKeySet;
        const keys = createLocalJWKSet(jwks);
        const key = createPublicKey({ key: { ...jwks.keys[0] }, format: 'jwk' })
          .export({ type: 'spki', format: 'pem' })
          .toString();
        const tokens = distinct(trees.flatMap((tree) => tree.tokens));
        expect(tokens).to.not.be.empty;
        for (const { compact, payload } of tokens) {
          const audiences = [payload.aud ?? []].flat();
          expect(audiences).to.not.be.empty;
          for (const audience of audiences) {
            const options = { issuer: declared.issuer.url, audience, typ: 'at+jwt' };
            const { payload: byJose } = await jwtVerify(compact, keys, options);
            const verify = createVerifier({
              key,
              algorithms: ['ES256'],
              allowedAud: audience,
              allowedIss: declared.issuer.url,
              checkTyp: 'at+jwt',
            });
            expect(verify(compact)).to.deep.equal(byJose);
          }
          const wrong = { issuer: declared.issuer.url, audience: 'https://elsewhere.example' };
          const refused = await jwtVerify(compact, keys, wrong).then(
            () => 'verified',
            (error: { code?: string; claim?: string }) => `${error.code} ${error.claim}`,
          );
          expect(refused).to.equal('ERR_JWT_CLAIM_VALIDATION_FAILED aud');
        }
      });

      it('have exactly the bytes that were measured before signing, and never more than were planned', () => {
        expect(trees).to.not.be.empty;
        for (const { request, tokens } of trees) {
          const resources =
            declared.entries(request.client).length > 1 ? [declared.audience(request.entry)] : [];
          const asked = { scopes: request.asked, resources };
          const planned = foreseen(planRequest(plan, request.client, asked).root);
          const issued = tokens.map(({ compact }) => compact.length);
          expect(issued).to.deep.equal(measured(plan, request.client, asked));
          expect(planned).to.have.lengthOf(issued.length);
          issued.forEach((bytes, index) => expect(bytes).to.be.at.most(planned[index] as number));
        }
      });
    });
  }
});

function asDeclared({ path, payload }: IssuedToken): ExpectedToken {
  return {
    path,
    aud: payload.aud as string | string[],
    scope: payload.scope.split(' '),
    actor: payload.act?.sub,
    claims: Object.fromEntries(Object.entries(payload).filter(([name]) => !WRITTEN_BY_ISSUER.has(name))),
    onDemand: payload.on_demand ?? {},
    callees: Object.keys(payload.embedded ?? {}),
  };
}

const ALWAYS = ['iss', 'aud', 'sub', 'client_id', 'scope', 'iat', 'exp', 'jti', 'txn'];
const WRITTEN_BY_ISSUER = new Set([...ALWAYS, 'act', 'embedded', 'on_demand']);

function membersOf({ parent, payload }: IssuedToken): string[] {
  const some = (name: 'embedded' | 'on_demand') =>
    payload[name] !== undefined && Object.keys(payload[name]).length > 0 ? [name] : [];
  return [...ALWAYS, ...(parent ? ['act'] : []), ...some('embedded'), ...some('on_demand')];
}

function checkEnvelope(
  { header, payload, parent, path }: IssuedToken,
  request: Request,
  declared: DeclaredTokens,
): void {
  expect(Object.keys(header)).to.deep.equal(['alg', 'typ', 'kid']);
  expect(header).to.include({ alg: declared.issuer.signing, typ: 'at+jwt' });
  const { client } = request;
  expect(payload).to.include({ iss: declared.issuer.url, sub: client, client_id: client });
  const { iat = 0, exp = 0 } = payload;
  expect(Math.abs(iat - Date.now() / 1000)).to.be.below(30);
  const service = path.at(-1) ?? request.entry;
  expect(exp).to.equal(Math.min(parent?.payload.exp ?? Infinity, iat + declared.lifetime(service)));
}

/** Of tokens that differ in ids alone, one: verifying every one of them shows nothing more. */
function distinct(tokens: readonly IssuedToken[]): IssuedToken[] {
  const seen = new Map<string, IssuedToken>();
  for (const token of tokens) {
    const { aud, scope, act, client_id } = token.payload;
    seen.set(JSON.stringify([aud, scope, act, client_id, token.path]), token);
  }
  return [...seen.values()];
}
